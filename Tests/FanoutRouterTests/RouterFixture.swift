import Bus
import Egress
import EventLog
import Events
import Glibc
import LogSamples
import Logging
import NIOCore
import NIOPosix
import PipelineConfiguration
import StageMetrics
import Synchronization
import Wire

@testable import DeliverySigning
@testable import EventDelivery

/// A router without a bus: the real log, log thread, reader thread, lanes, HTTP client and watchers, put together for one
/// test.
final class RouterFixture: ReceivingFixture, Sendable {
    static let journal = JournalID(high: 7, low: 8)

    let writer: LogWriter
    let reading: LogReading
    let hub: NIOLoopBound<LaneHub>
    /// On the loop of the lanes.
    let push: NIOLoopBound<PushHub>
    let registry = MetricRegistry(stage: "fanout-router", instance: "test", version: "0")
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop: any EventLoop
    let lineage: LogLineage
    private let allow: [String]

    init(
        _ settings: EventLogSettings, lanes: [LaneSettings], log: (any EventLog)? = nil, secrets: [[UInt8]] = [],
        signing: SigningConfiguration? = nil,
        feedBytes: Int = 32 << 20, allow: [String] = ["127.0.0.0/8"], push: PushConfiguration = PushConfiguration()
    ) throws {
        let log = try log ?? SegmentEventLog(settings: settings)
        loop = group.next()
        lineage = log.lineage
        self.allow = allow
        reading = LogReading(try log.makeReader())
        let mailbox = FeedMailbox(budgetBytes: feedBytes)
        let pushMailbox = FeedMailbox(budgetBytes: feedBytes)
        let settledHere = Settled()
        writer = LogWriter(
            log: log, settings: settings, watermarks: try log.watermarks(),
            metrics: IntakeMetrics(registry, sources: [("stream", "stream")]), logger: Logger(label: "test"),
            outlets: LogWriter.Outlets(
                committed: { for entry in $0 { settledHere.value.withLock { $0 = entry.watermark } } },
                publish: { _ in },
                feed: { rows, next in
                    let rendered = rows.map { RenderedBatch($0) }
                    for each in [mailbox, pushMailbox] { each.put(rendered, next: next) }
                }))
        settledSequence = settledHere
        let (loop, reading, writer, registry) = (loop, reading, writer, registry)
        var saved: [String: SavedLane] = [:]
        for lane in lanes { saved[lane.name] = try log.lane(lane.name) }
        let (next, lineage, states) = (log.nextPosition, log.lineage, saved)
        hub = try loop.submit {
            let hub = LaneHub(
                mailbox: mailbox, feed: EventFeed(next: next, budgetBytes: feedBytes), reading: reading, loop: loop,
                logger: Logger(label: "test"), save: { writer.save($0, saved: $1) })
            let resolver = EgressResolver(EgressGuard(allow: allow))
            for lane in lanes {
                guard let saved = states[lane.name] else { continue }
                let signing =
                    signing
                    ?? SigningConfiguration(
                        scheme: secrets.isEmpty ? .none : .standardWebhooks, secrets: [])
                hub.add(
                    Lane(
                        settings: lane, saved: saved,
                        destination: HTTPDestination(
                            head: DeliveryHead(
                                endpoint: try EndpointURL(lane.place), lineage: lineage,
                                signer: try DeliverySigner(signing, secrets: secrets)),
                            connections: try ConnectionPool(
                                endpoint: try EndpointURL(lane.place), resolver: resolver, loop: loop)),
                        source: hub,
                        metrics: LaneMetrics(registry, subscription: lane.name, outcomes: AttemptEnd.ofHTTP),
                        loop: loop))
            }
            return NIOLoopBound(hub, eventLoop: loop)
        }.wait()
        self.push = try loop.submit {
            NIOLoopBound(
                PushHub(
                    lineage: lineage, mailbox: pushMailbox, feed: EventFeed(next: next, budgetBytes: feedBytes),
                    reading: reading, loop: loop, registry: registry, limits: push, logger: Logger(label: "test"),
                    saveCursors: { writer.save(cursors: $0, saved: $1) }), eventLoop: loop)
        }.wait()
        let (hub, pushHub) = (hub, self.push)
        mailbox.onArrival { loop.execute { hub.value.drain() } }
        pushMailbox.onArrival { loop.execute { pushHub.value.drain() } }
        loop.execute { hub.value.start() }
    }

    /// Changes a lane as the router does when a subscription changes.
    func reconfigure(_ settings: LaneSettings, reconnects: Bool = false) throws {
        try loop.submit { [self] in
            guard let lane = hub.value.lane(settings.name) else { return }
            lane.reconfigure(settings, destination: reconnects ? try destination(settings) : lane.destination)
        }.wait()
    }

    /// Unsigned, to where the settings say.
    private func destination(_ settings: LaneSettings) throws -> HTTPDestination {
        let endpoint = try EndpointURL(settings.place)
        return HTTPDestination(
            head: DeliveryHead(endpoint: endpoint, lineage: lineage),
            connections: try ConnectionPool(
                endpoint: endpoint, resolver: EgressResolver(EgressGuard(allow: allow)), loop: loop))
    }

    /// Adds a lane while the others run.
    func add(_ settings: LaneSettings) throws {
        let saved = try writer.perform { try $0.lane(settings.name) }
        try loop.submit { [self] in
            hub.value.add(
                Lane(
                    settings: settings, saved: saved, destination: try destination(settings), source: hub.value,
                    metrics: LaneMetrics(registry, subscription: settings.name, outcomes: AttemptEnd.ofHTTP),
                    loop: loop))
        }.wait()
    }

    /// Takes a lane away; what it came to is saved.
    func remove(_ name: String) throws {
        try loop.submit { [hub, writer] in
            if let progress = hub.value.remove(name)?.takeProgress() { writer.save([progress]) {} }
        }.wait()
        writer.flush()
    }

    private let settledSequence: Settled

    /// The highest sequence that the router has settled.
    var watermark: UInt64 { settledSequence.value.withLock { $0 } }

    func withLane<Value: Sendable>(_ name: String, _ body: @escaping @Sendable (Lane) -> Value) throws -> Value? {
        try loop.submit { [hub] in hub.value.lane(name).map(body) }.wait()
    }

    /// Stops in order and saves.
    func stop() {
        let saved = loop.makePromise(of: Void.self)
        loop.execute { [hub, push] in
            push.value.stop()
            hub.value.stop(patience: .seconds(1)) { saved.succeed() }
        }
        try? saved.futureResult.wait()
        try? group.syncShutdownGracefully()
        writer.flush()
        writer.close()
    }

    /// Stops without saving anything, like a killed process.
    func abandon() throws {
        try loop.submit { [hub] in hub.value.halt() }.wait()
        writer.close()
    }

    private final class Settled: Sendable {
        let value = Mutex<UInt64>(0)
    }
}

/// A router that can be given envelopes.
protocol ReceivingFixture {
    var writer: LogWriter { get }
}

extension ReceivingFixture {
    /// Gives the router envelopes as the bus would, one per sequence, in one batch.
    func receive(_ sequences: ClosedRange<UInt64>, _ envelope: (UInt64) -> [UInt8]) {
        var bytes = ByteWriter()
        for sequence in sequences {
            let envelope = envelope(sequence)
            bytes.u32(UInt32(envelope.count))
            bytes.raw(envelope)
        }
        writer.received([
            RecordBatch(stored: bytes.bytes, first: sequences.lowerBound, count: sequences.count)
        ])
    }

    /// One plain event per sequence.
    func receive(_ sequences: ClosedRange<UInt64>) {
        receive(sequences) { Sample.envelope(journal: RouterFixture.journal, sequence: $0, ids: ["id-\($0)"]) }
    }
}
