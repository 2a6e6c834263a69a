import Bus
import Dispatch
import EventLog
import Events
import Logging
import StageMetrics
import NIOCore
import NIOPosix
import StageRuntime
import Wire

/// The router put together: event log, log thread, reader thread, lanes on one event loop, and the bus.
final class RouterStage: Sendable {
    /// Rows in memory for lanes near the head, and rows on their way there.
    static let feedBytes = 32 << 20
    static let mailboxBytes = 16 << 20

    private let environment: StageEnvironment
    private let group: MultiThreadedEventLoopGroup
    private let bus: RouterBus
    let writer: LogWriter
    let reading: LogReading
    let hub: NIOLoopBound<LaneHub>
    let loop: any EventLoop
    private let logID: JournalID

    /// Opens the log and prepares everything; nothing moves before `start`.
    init(_ environment: StageEnvironment) throws(StageFailure) {
        self.environment = environment
        let secrets = try Self.secrets(environment)
        let settings = try Self.logSettings(environment)
        do {
            let log = try SQLiteEventLog(settings: settings)
            let watermarks = try log.watermarks()
            logID = log.id
            group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            loop = group.next()
            reading = LogReading(try SQLiteEventLogReader(path: settings.path))
            let ingress = environment.configuration.ingress
            let bus = RouterBus(
                settings: RouterBusSettings(
                    runDirectory: environment.runDirectory, instance: environment.instance,
                    maxBodyBytes: ingress.maxBodyBytes,
                    // Twice what is configured: an instance being scaled down still has its window.
                    reorderBudgetBytes: 2 * max(1, ingress.instances) * ingress.windowBytes),
                bootID: .random(in: 1 ... .max), watermarks: watermarks, metrics: environment.registry)
            self.bus = bus
            let mailbox = FeedMailbox(budgetBytes: Self.mailboxBytes)
            writer = LogWriter(
                log: log, settings: settings, watermarks: watermarks,
                metrics: IntakeMetrics(
                    environment.registry,
                    sources: environment.configuration.sources.map { ($0.name, "\($0.provider)") }),
                logger: environment.logger, outlets: Self.outlets(bus, mailbox))
            hub = try Self.makeHub(
                environment, log: log, writer: writer, reading: reading, mailbox: mailbox, loop: loop, secrets: secrets)
        } catch let error as StageFailure {
            throw error
        } catch {
            throw StageFailure(.io, "the router cannot start: \(error)")
        }
    }

    /// Begins to deliver and to take records.
    func start() {
        loop.execute { [hub] in hub.value.start() }
        writer.startRetention()
        environment.registry.gauge(
            "tributary_backlog_records", help: "Records that wait for the event log.",
            read: { [writer] in Double(writer.backlog.records) })
        environment.registry.gauge(
            "tributary_oldest_unsettled_seconds", help: "How long the oldest of them has waited.",
            read: { [writer] in writer.backlog.oldestSeconds })
        bus.start(delegate: writer)
    }

    /// Takes nothing more, lets attempts under way end (5 s at most), saves and stops. Blocks.
    func stop() {
        bus.stop()
        writer.flush()
        let saved = DispatchSemaphore(value: 0)
        loop.execute { [hub] in hub.value.stop(patience: .seconds(5)) { saved.signal() } }
        // A log that cannot write never says that it saved; what was delivered meanwhile is delivered again then.
        _ = saved.wait(timeout: .now() + .seconds(7))
        try? group.syncShutdownGracefully()
    }

    /// Reads the signing secrets again; on any error everything stays as it is.
    func reload() {
        do {
            let secrets = try Self.secrets(environment)
            loop.execute { [hub, environment, logID] in
                for subscription in environment.configuration.subscriptions {
                    hub.value.lane(subscription.name)?.head = Self.head(subscription, logID, secrets)
                }
            }
            environment.logger.notice("signing secrets were read again")
        } catch {
            environment.logger.error(
                "signing secrets stay as they were", metadata: ["cause": "\(error.sentence)"])
        }
    }

    /// Whether the stage can do its work. Does not block.
    func readiness() -> [HealthCheck] {
        let problem = writer.problem
        return [HealthCheck(name: "event_log", ok: problem == nil, detail: problem?.description ?? "takes events")]
    }

    var instance: String { environment.instance }

    /// Runs `body` with the lanes and waits; not for the event loop itself.
    func withHub<Value: Sendable>(_ body: @escaping @Sendable (LaneHub) -> Value) throws -> Value {
        try loop.submit { [hub] in body(hub.value) }.wait()
    }

    // MARK: Making

    private static func outlets(_ bus: RouterBus, _ mailbox: FeedMailbox) -> LogWriter.Outlets {
        LogWriter.Outlets(
            committed: { bus.committed($0) },
            publish: { batch in
                if bus.hasListeners { bus.publish(batch.frames, records: Int(batch.last - batch.first + 1)) }
            },
            // Rendered on the log thread: the event loop is the busier one.
            feed: { rows, next in mailbox.put(rows.map { RenderedBatch($0) }, next: next) })
    }

    private static func makeHub(
        _ environment: StageEnvironment, log: SQLiteEventLog, writer: LogWriter, reading: LogReading,
        mailbox: FeedMailbox, loop: any EventLoop, secrets: [String: [[UInt8]]]
    ) throws -> NIOLoopBound<LaneHub> {
        let resolver = EgressResolver(EgressGuard(allow: environment.configuration.router.egressAllow))
        var saved: [String: SavedLane] = [:]
        for subscription in environment.configuration.subscriptions {
            saved[subscription.name] = try log.lane(subscription.name)
        }
        let (next, logID, lanes) = (log.nextPosition, log.id, saved)
        let hub = try loop.submit {
            let hub = LaneHub(
                mailbox: mailbox, feed: EventFeed(next: next, budgetBytes: feedBytes), reading: reading, loop: loop,
                logger: environment.logger, save: { writer.save($0, saved: $1) })
            for subscription in environment.configuration.subscriptions {
                guard let saved = lanes[subscription.name] else { continue }
                hub.add(
                    Lane(
                        settings: LaneSettings(
                            subscription, maxUnfinished: environment.configuration.router.maxUnfinished),
                        saved: saved, head: head(subscription, logID, secrets),
                        transport: try ConnectionPool(endpoint: subscription.url, resolver: resolver, loop: loop),
                        source: hub, metrics: LaneMetrics(environment.registry, subscription: subscription.name),
                        loop: loop))
            }
            return NIOLoopBound(hub, eventLoop: loop)
        }.wait()
        mailbox.onArrival { loop.execute { hub.value.drain() } }
        return hub
    }

    private static func head(
        _ subscription: SubscriptionConfiguration, _ logID: JournalID, _ secrets: [String: [[UInt8]]]
    ) -> DeliveryHead {
        guard let signer = try? DeliverySigner(subscription.signing, secrets: secrets[subscription.name] ?? []) else {
            // Going on would mean sending unsigned.
            preconditionFailure("every signing secret was tried when it was read")
        }
        return DeliveryHead(endpoint: subscription.url, logID: logID, signer: signer)
    }

    /// The signing secrets by subscription, each checked to be one.
    private static func secrets(_ environment: StageEnvironment) throws(StageFailure) -> [String: [[UInt8]]] {
        var secrets: [String: [[UInt8]]] = [:]
        for subscription in environment.configuration.subscriptions {
            var resolved: [[UInt8]] = []
            for reference in subscription.signing.secrets {
                let secret = try environment.resolve(reference)
                do {
                    _ = try DeliverySigner(subscription.signing, secrets: [secret])
                } catch {
                    throw StageFailure(.configuration, "\(reference.keyPath): \(error)")
                }
                resolved.append(secret)
            }
            secrets[subscription.name] = resolved
        }
        return secrets
    }

    private static func logSettings(_ environment: StageEnvironment) throws(StageFailure) -> EventLogSettings {
        let router = environment.configuration.router
        var settings = EventLogSettings(path: try environment.makeDataDirectory() + "/events.sqlite")
        settings.retentionSeconds = Int64(router.retentionHours * 3600)
        settings.retentionBytes = Int64(router.eventLogBudgetBytes)
        settings.dedupeWindowSeconds = Int64(router.dedupeWindowHours * 3600)
        settings.dedupeIDs = router.dedupeIds
        settings.quarantineSources = environment.configuration.sources.map(\.name)
        settings.quarantinePerSource = router.quarantine.maxWebhooks
        settings.quarantineBytesPerSource = Int64(router.quarantine.maxBytes)
        settings.quarantineTotalBytes = Int64(router.quarantine.totalBytes)
        settings.quarantineAgeSeconds = Int64(router.quarantine.maxAgeSeconds)
        return settings
    }
}
