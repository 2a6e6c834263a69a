import Dispatch
import EventLog
import LogSamples
import Logging
import StageMetrics
import Synchronization
import Wire

@testable import EventDelivery

/// A replay runner with the real log and its threads, and a lane that delivers at once whatever is queued.
final class ReplayFixture {
    let folder: TemporaryFolder
    let writer: LogWriter
    let reading: LogReading
    let runner: ReplayRunner
    let lane: EagerLane
    private let settings: EventLogSettings

    /// `takes` stands for the subscription's filter.
    init(_ folder: TemporaryFolder? = nil, takes: @escaping @Sendable (EventRecord) -> Bool) throws {
        let folder = try folder ?? TemporaryFolder()
        self.folder = folder
        settings = EventLogSettings(path: folder.file)
        let log = try SegmentEventLog(settings: settings)
        let taken = try log.lane("app").progress.taken
        let reading = LogReading(try log.makeReader())
        let registry = MetricRegistry(stage: "fanout-router", instance: "test", version: "0")
        let writer = LogWriter(
            log: log, settings: settings, watermarks: [:],
            metrics: IntakeMetrics(registry, sources: []), logger: Logger(label: "test"),
            outlets: LogWriter.Outlets(committed: { _ in }, publish: { _ in }, feed: { _, _ in }))
        let lane = EagerLane(reading, writer, settings, taken: taken)
        self.reading = reading
        self.writer = writer
        self.lane = lane
        runner = ReplayRunner(
            reading: reading, writer: writer,
            outlets: ReplayRunner.Outlets(
                matcher: { _ in lane.isGone.load(ordering: .relaxed) ? nil : { takes($0) } },
                notify: { _ in lane.pump() },
                cancelled: { _, job in lane.cancelled.withLock { $0.append(job) } }), logger: Logger(label: "test"))
    }

    deinit {
        runner.stop()
    }

    /// Appends events in rows of 512, all taken by the lane.
    func append(_ count: Int) throws {
        try writer.perform { log in
            var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 7)
            for index in 1...count {
                _ = try Sample.admit(
                    Sample.envelope(sequence: UInt64(index), ids: ["id-\(index)"]), log, &transaction)
            }
            _ = try log.commit(transaction)
        }
        try save(taken: UInt64(count))
    }

    func save(taken: UInt64, unfinished: [UInt64] = []) throws {
        lane.progress.withLock { $0 = LaneProgress(subscription: "app", taken: taken, unfinished: unfinished) }
        try lane.save([])
    }

    func die(_ positions: [UInt64], _ reason: String) throws {
        try lane.save(
            positions.map {
                .dead(DeadLetter(first: $0, last: $0, reason: reason, attempts: 3, diedAtNanoseconds: 9))
            })
    }

    func expire(_ range: ClosedRange<UInt64>) throws {
        try lane.save([
            .dead(
                DeadLetter(
                    first: range.lowerBound, last: range.upperBound, reason: "expired", attempts: 0,
                    diedAtNanoseconds: 9))
        ])
    }

    func job(_ id: Int64) throws -> ReplayJob {
        guard let job = try reading.read({ try $0.replay(id: id) }) else {
            throw EventLogError(.unreadable, "there is no job \(id)")
        }
        return job
    }

    func queued() throws -> Int {
        try reading.read { try $0.queuedReplayCount(subscription: "app") }
    }
}

/// Delivers what is queued as soon as it is told, in the order of the tickets.
final class EagerLane: Sendable {
    let isHeld = Atomic<Bool>(false)
    let isGone = Atomic<Bool>(false)
    let mostWaiting = Atomic<Int>(0)
    let cancelled = Mutex<[Int64]>([])
    let progress: Mutex<LaneProgress>
    private let delivered = Mutex<[QueuedReplay]>([])
    private let queue = DispatchQueue(label: "eager-lane")
    private let reading: LogReading
    private let writer: LogWriter
    private let settings: EventLogSettings

    init(_ reading: LogReading, _ writer: LogWriter, _ settings: EventLogSettings, taken: UInt64) {
        self.reading = reading
        self.writer = writer
        self.settings = settings
        progress = Mutex(LaneProgress(subscription: "app", taken: taken))
    }

    /// What was delivered, in order.
    var positions: [UInt64] { delivered.withLock { $0.map(\.position) } }
    /// The jobs that asked for it.
    var jobs: Set<Int64> { Set(delivered.withLock { $0.map(\.job) }) }

    func pump() {
        queue.async { [self] in
            guard !isHeld.load(ordering: .relaxed) else { return }
            let ticket = delivered.withLock { $0.last?.ticket ?? 0 }
            let queued = try? reading.read { try $0.queuedReplays(subscription: "app", after: ticket, limit: 5000) }
            guard let queued, !queued.isEmpty else { return }
            let most = mostWaiting.load(ordering: .relaxed)
            mostWaiting.store(max(most, queued.count), ordering: .relaxed)
            guard (try? save(queued.map { .cleared(position: $0.position) })) != nil else { return }
            delivered.withLock { $0 += queued }
        }
    }

    func save(_ changes: [DeliveryChange]) throws {
        try writer.perform { log in
            var progress = progress.withLock { $0 }
            progress.changes = changes
            var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 7)
            transaction.progress = [progress]
            _ = try log.commit(transaction)
        }
    }
}
