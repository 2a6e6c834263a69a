package import AdminServer
import Bus
import EventLog
package import Executable
import Logging
package import NIOCore
import NIOPosix
package import PipelineConfiguration
import StageMetrics
package import StageProcess
import Threads
import Wire

/// The router put together: event log, log thread, reader thread, subscriptions with their lanes on event loops, and the
/// bus.
package final class RouterStage: Sendable {
    /// Rows in memory for lanes near the head, and rows on their way there.
    static let feedBytes = 8 << 20
    static let mailboxBytes = 4 << 20

    private let environment: StageEnvironment
    private let bus: RouterBus
    /// The configuration that counts now.
    package let configuration: ReloadableConfiguration
    package let writer: LogWriter
    /// For operators and replays; the lanes have a reader of their own, so that no search holds up a delivery.
    package let reading: LogReading
    package let loops: DeliveryLoops
    package let subscriptions: SubscriptionStore
    package let replays: ReplayRunner
    /// Those who watch the log; on an event loop of their own, which the connections of the control API share.
    package let push: NIOLoopBound<PushHub>
    package let pushLoop: any EventLoop
    private let pushGroup: MultiThreadedEventLoopGroup
    private let conditions: ConditionWatch
    private let tracer: TraceExporter?

    /// Opens the log and prepares everything; nothing moves before `start`. `clock` is what secrets are judged by:
    /// nanoseconds since 1970. `others`: asks the other instances of this host for metrics. `export`: posts spans to the
    /// collector. `failed` is told when the log's disk failed: the stage has to be stopped and started anew.
    package init(
        _ environment: StageEnvironment, clock: @escaping @Sendable () -> Int64 = { steadyNanoseconds() },
        others: @escaping ConditionWatch.Others = { _ in [] }, export: @escaping TraceExporter.Export = { _ in false },
        failed: @escaping @Sendable (StageFailure) -> Void = { _ in }
    ) throws(StageFailure) {
        self.environment = environment
        configuration = ReloadableConfiguration(environment)
        let configured = try Self.subscriptions(environment.configuration, environment)
        let (settings, directory) = (try Self.logSettings(environment), try environment.busDirectory())
        do {
            let log = try SegmentEventLog(settings: settings)
            for notice in log.notices { environment.logger.warning("\(notice)") }
            let watermarks = try log.watermarks()
            let (next, lineage) = (log.nextPosition, log.lineage)
            let reading = LogReading(try log.makeReader())
            let laneReading = LogReading(try log.makeReader())
            let bus = Self.makeBus(environment, directory, watermarks: watermarks)
            let tracer = TraceExporter(environment, export)
            self.tracer = tracer
            let router = environment.configuration.router
            let mailboxes = (0..<(router.threads ?? max(1, System.coreCount / 2))).map { _ in
                FeedMailbox(budgetBytes: Self.mailboxBytes)
            }
            let pushMailbox = FeedMailbox(budgetBytes: Self.mailboxBytes)
            pushGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let pushLoop = pushGroup.next()
            let writer = LogWriter(
                log: log, settings: settings, watermarks: watermarks,
                metrics: IntakeMetrics(
                    environment.registry,
                    sources: environment.configuration.sources.map { ($0.name, "\($0.provider)") }),
                logger: environment.logger,
                outlets: Self.outlets(bus, mailboxes + [pushMailbox], tracer) { failed($0.stageFailure) })
            let loops = try Self.makeLoops(environment, mailboxes, laneReading, next, writer)
            push = try Self.makePush(
                environment, pushLoop, pushMailbox, LogReading(try log.makeReader()), lineage, next, writer)
            self.pushLoop = pushLoop
            subscriptions = try SubscriptionStore(
                configured, rules: SubscriptionRules(environment.configuration),
                lanes: LaneMaker(
                    registry: environment.registry, lineage: lineage, router: router,
                    route: try EgressRoute(router, environment), tracer: tracer),
                dependencies: SubscriptionStore.Dependencies(
                    writer: writer, reading: reading, loops: loops, registry: environment.registry,
                    logger: environment.logger, clock: clock))
            replays = ReplayRunner(
                reading: reading, writer: writer, outlets: Self.outlets(subscriptions, loops, laneReading),
                logger: environment.logger)
            conditions = ConditionWatch(
                ConditionWatch.Dependencies(
                    instance: environment.instance,
                    dataDir: environment.number == 0 ? environment.configuration.dataDir : nil,
                    registry: environment.registry, reading: reading, writer: writer, logger: environment.logger),
                others: others)
            (self.bus, self.reading, self.writer, self.loops) = (bus, reading, writer, loops)
        } catch let error as StageFailure {
            throw error
        } catch let error as EventLogError {
            throw error.stageFailure
        } catch {
            throw StageFailure(.io, "the router cannot start: \(error)")
        }
    }

    /// Begins to deliver and to take records.
    package func start() {
        loops.start(environment.registry)
        replays.start()
        writer.startRetention(environment.registry.heartbeat(of: "event log"))
        conditions.start()
        tracer?.start()
        pushLoop.keepBeating(environment.registry.heartbeat(of: "push"))
        environment.registry.gauge(
            "tributary_backlog_records", help: "Records that wait for the event log.",
            read: { [writer] in Double(writer.backlog.records) })
        environment.registry.gauge(
            "tributary_oldest_unsettled_seconds", help: "How long the oldest of them has waited.",
            read: { [writer] in writer.backlog.oldestSeconds })
        bus.start(delegate: writer)
    }

    /// Takes nothing more, lets attempts under way end (5 s at most), saves and stops. Blocks.
    package func stop() {
        bus.stop()
        subscriptions.stop()
        replays.stop()
        writer.flush()
        // A log that cannot write never says that it saved; what was delivered meanwhile is delivered again then.
        _ = loops.settle(milliseconds: 7_000) { $0.stop(patience: .seconds(5), done: $1) }
        try? pushGroup.syncShutdownGracefully()
        loops.shutDown()
        writer.close()
    }

    /// Reads the file again and runs by it: subscriptions, their secrets, and where deliveries may go. `listener` takes
    /// over what the control API has of it, when all else is made sure of. On any error everything stays as it is.
    package func reload(listener: (RouterConfiguration) throws(StageFailure) -> Void = { _ in }) {
        configuration.reload { fresh, _ throws(StageFailure) in
            let configured = try Self.subscriptions(fresh, environment)
            let lanes = subscriptions.lanes.changed(
                router: fresh.router, route: try EgressRoute(fresh.router, environment))
            try subscriptions.reload(configured, rules: SubscriptionRules(fresh), lanes: lanes) {
                () throws(StageFailure) in try listener(fresh.router)
            }
            pushLoop.execute { [push] in push.value.set(fresh.router.push) }
            // Never throws: the closure does not.
            try? writer.perform { log in
                log.retain(
                    seconds: Self.retentionSeconds(fresh.router), bytes: Int64(fresh.router.eventLogBudgetBytes))
            }
        }
    }

    /// Whether the stage can do its work. Does not block.
    package func readiness() -> [HealthCheck] {
        let problem = writer.problem
        return [
            HealthCheck(name: "event_log", ok: problem == nil, detail: problem?.description ?? "takes events"),
            bus.refusals.check(linked: "\(bus.linkedUpstreams) normalisers linked"),
        ]
    }

    package var instance: String { environment.instance }

    package var runDirectory: String { environment.runDirectory }

    /// Brings the log up to what the lanes have come to. Blocks; throws where the log does not take it within seconds.
    package func settle() throws(RouterError) {
        guard loops.settle(milliseconds: 5_000, { $0.settle(done: $1) }) else {
            throw RouterError(.unavailable, "the event log takes nothing now; the router's log says why")
        }
    }
}

// MARK: Making

extension RouterStage {
    private static func makeBus(
        _ environment: StageEnvironment, _ directory: RunDirectory, watermarks: [JournalID: UInt64]
    ) -> RouterBus {
        let configuration = environment.configuration
        let (ingress, topology) = (configuration.ingress, configuration.topology)
        // An ingress comes with `scale` at any time.
        let instances =
            topology.map { $0.instances.count { $0.control != nil } / configuration.router.instances }
            ?? Stage.ingressGateway.mostInstances + configuration.connector.instances
        return RouterBus(
            settings: RouterBusSettings(
                runDirectory: directory, instance: environment.instance,
                maxBodyBytes: ingress.maxBodyBytes,
                // Twice what there may be: one that leaves still has its window.
                reorderBudgetBytes: 2 * max(1, instances) * ingress.windowBytes),
            bootID: .random(in: 1 ... .max), watermarks: watermarks, metrics: environment.registry,
            refusals: environment.linkRefusals)
    }

    private static func makeLoops(
        _ environment: StageEnvironment, _ mailboxes: [FeedMailbox], _ reading: LogReading, _ next: UInt64,
        _ writer: LogWriter
    ) throws -> DeliveryLoops {
        try DeliveryLoops(mailboxes) { mailbox, loop in
            LaneHub(
                mailbox: mailbox, feed: EventFeed(next: next, budgetBytes: feedBytes), reading: reading, loop: loop,
                loops: mailboxes.count, logger: environment.logger, deadLetters: { writer.deadLetterCounts },
                save: { writer.save($0, saved: $1) })
        }
    }

    private static func makePush(
        _ environment: StageEnvironment, _ loop: any EventLoop, _ mailbox: FeedMailbox, _ reading: LogReading,
        _ lineage: LogLineage, _ next: UInt64, _ writer: LogWriter
    ) throws -> NIOLoopBound<PushHub> {
        let push = try loop.submit {
            let hub = PushHub(
                lineage: lineage, mailbox: mailbox, feed: EventFeed(next: next, budgetBytes: feedBytes),
                reading: reading, loop: loop, registry: environment.registry,
                limits: environment.configuration.router.push, logger: environment.logger,
                saveCursors: { writer.save(cursors: $0, saved: $1) })
            return NIOLoopBound(hub, eventLoop: loop)
        }.wait()
        mailbox.onArrival { loop.execute { push.value.drain() } }
        return push
    }

    private static func outlets(
        _ bus: RouterBus, _ mailboxes: [FeedMailbox], _ tracer: TraceExporter?,
        _ failed: @escaping @Sendable (EventLogError) -> Void
    ) -> LogWriter.Outlets {
        LogWriter.Outlets(
            committed: { bus.committed($0) },
            publish: { batch in
                if bus.hasListeners { bus.publish(batch) }
            },
            // Rendered on the log thread: the event loop is the busier one.
            feed: { rows, next in
                let rendered = rows.map { RenderedBatch($0) }
                for mailbox in mailboxes { mailbox.put(rendered, next: next) }
                if let tracer { for row in rendered { tracer.record(row) } }
            }, failed: failed)
    }

    private static func outlets(
        _ subscriptions: SubscriptionStore, _ loops: DeliveryLoops, _ laneReading: LogReading
    ) -> ReplayRunner.Outlets {
        ReplayRunner.Outlets(
            matcher: { name in
                guard let filter = try? subscriptions.subscription(name).configuration.filter else { return nil }
                let (attributes, content) = (EventMatcher(filter), ContentMatcher(filter.data))
                return { attributes.matches($0) && (content?.matches($0) ?? true) }
            },
            notify: { name in loops.execute(on: name) { $0.replaysQueued(name) } },
            // Waits: whoever cancels is told that nothing more begins. What the reader of the lanes found before is with
            // them after it was waited for.
            cancelled: { name, job in
                try? laneReading.read { _ in }
                try? loops.run(on: name) { $0.replaysCancelled(name, job) }
            })
    }

    /// The configured subscriptions with everything that they refer to. Throws the first thing that is not to be had.
    private static func subscriptions(
        _ configuration: TributaryConfiguration, _ environment: StageEnvironment
    ) throws(StageFailure) -> [KnownSubscription] {
        var found: [KnownSubscription] = []
        for subscription in configuration.subscriptions {
            found.append(try KnownSubscription(subscription, environment))
        }
        return found
    }

    private static func retentionSeconds(_ router: RouterConfiguration) -> Int64 { router.retention.components.seconds }

    private static func logSettings(_ environment: StageEnvironment) throws(StageFailure) -> EventLogSettings {
        let router = environment.configuration.router
        var settings = EventLogSettings(path: try environment.makeDataDirectory() + "/events.sqlite")
        settings.retentionSeconds = retentionSeconds(router)
        settings.retentionBytes = Int64(router.eventLogBudgetBytes)
        // A commit takes one more batch when it is nearly full, mostly one envelope; and what that holds may be more in the
        // log: events repeat what their webhook says once.
        let envelopeBytes = Limits.envelopeBytes(maxBodyBytes: environment.configuration.ingress.maxBodyBytes)
        settings.recordBytes = LogWriter.bytesPerCommit + 4 * envelopeBytes
        settings.segmentBytes = max(
            2 * settings.recordBytes, min(64 << 20, router.eventLogBudgetBytes / 8))
        settings.dedupeWindowSeconds = router.dedupeWindow.components.seconds
        settings.dedupeIDs = router.dedupeIds
        settings.quarantineSources = environment.configuration.sources.map(\.name)
        settings.quarantinePerSource = router.quarantine.maxWebhooks
        settings.quarantineBytesPerSource = Int64(router.quarantine.maxBytes)
        settings.quarantineTotalBytes = Int64(router.quarantine.totalBytes)
        settings.quarantineAgeSeconds = router.quarantine.maxAge.components.seconds
        return settings
    }
}
