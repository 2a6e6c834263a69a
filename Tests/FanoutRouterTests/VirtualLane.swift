import EventLog
import LogSamples
import NIOCore
import NIOEmbedded
import PipelineConfiguration
import Primitives
import StageMetrics
import Wire

@testable import EventDelivery

/// One lane under virtual time: events in memory, a subscriber that is a function, and a wall clock that is set back and
/// forth by hours whenever somebody looks at it.
final class VirtualLane {
    /// One request as the subscriber got it.
    struct Attempt: Equatable {
        /// When it began.
        var time: Duration
        /// What names its delivery.
        var name: String
        var bodyBytes: Int
        var timeout: Duration
    }

    typealias Subscriber = (Attempt) -> (outcome: AttemptOutcome, after: Duration)

    let loop = EmbeddedEventLoop()
    let lane: Lane
    let source: Source
    let destination: FunctionDestination

    init(
        _ settings: LaneSettings, events: Int, saved: SavedLane? = nil,
        wall: (() -> Int64)? = nil, subscriber: @escaping Subscriber
    ) throws {
        var looks: Int64 = 0
        let jumping: () -> Int64 = {
            looks += 1
            return 1_790_000_000_000_000_000 + (looks % 2 == 0 ? -1 : 1) * (looks % 7) * 3_600_000_000_000
        }
        source = try Source(events: events, loop: loop)
        destination = FunctionDestination(loop: loop, subscriber)
        lane = Lane(
            settings: settings,
            saved: saved ?? SavedLane(progress: LaneProgress(subscription: settings.name, taken: 0)),
            destination: destination, source: source,
            metrics: LaneMetrics(
                MetricRegistry(stage: "fanout-router", instance: "test", version: "0"), subscription: settings.name,
                outcomes: AttemptEnd.ofHTTP),
            loop: loop, wall: wall ?? jumping)
        lane.pump()
    }

    deinit {
        lane.stop()
        try? loop.syncShutdownGracefully()
    }

    var attempts: [Attempt] { destination.attempts }
    var now: Duration { .nanoseconds(Int64(loop.now.uptimeNanoseconds)) }

    /// When attempts of one delivery began.
    func times(of name: String) -> [Duration] { attempts.filter { $0.name == name }.map(\.time) }

    func run(for duration: Duration) {
        loop.advanceTime(by: .nanoseconds(duration.nanoseconds))
    }

    func run(until time: Duration) { run(for: time - now) }

    /// What died since the last look, and why.
    func deadLetters() -> [UInt64: String] {
        var found: [UInt64: String] = [:]
        for case .dead(let letter) in lane.takeProgress()?.changes ?? [] {
            for position in letter.first...letter.last { found[position] = letter.reason }
        }
        return found
    }

    static func settings(
        _ retry: RetryConfiguration, timeout: Duration = .seconds(6), concurrency: Int = 30, perSecond: Double? = nil,
        batch: LaneSettings.Batch? = nil, keepsKeyOrder: Bool = false
    ) throws -> LaneSettings {
        LaneSettings(
            name: "app", place: "nowhere", policy: RetryPolicy(retry),
            concurrency: concurrency, requestsPerSecond: perSecond,
            timeoutNanoseconds: (retry.timeout ?? timeout).nanoseconds, keepsKeyOrder: keepsKeyOrder, batch: batch)
    }

    /// The log: everything is in memory, until it is dropped.
    final class Source: LaneSource {
        private(set) var feed: EventFeed
        private let rows: RenderedBatch?
        private let loop: EmbeddedEventLoop
        /// What retention has dropped.
        private var dropped: ClosedRange<UInt64>?

        init(events: Int, loop: EmbeddedEventLoop) throws {
            self.loop = loop
            feed = EventFeed(next: 1, budgetBytes: 64 << 20)
            guard events > 0 else {
                rows = nil
                return
            }
            let folder = try TemporaryFolder()
            var settings = EventLogSettings(path: folder.file)
            settings.eventsPerRow = events
            let log = try SegmentEventLog(settings: settings)
            var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 1)
            for number in 1...events {
                let envelope = Sample.envelope(sequence: UInt64(number), ids: ["id-\(number)"])
                _ = try Sample.admit(envelope, log, &transaction)
            }
            let batches = try log.commit(transaction).map { RenderedBatch($0) }
            precondition(batches.count == 1, "one row holds them all")
            rows = batches[0]
            feed.append(batches[0])
        }

        /// Retention: rows are no longer in memory, and these events are nowhere any more.
        func drop(_ positions: ClosedRange<UInt64>) {
            dropped = positions
            feed = EventFeed(next: feed.next, budgetBytes: 64 << 20)
        }

        private func event(_ position: UInt64, _ format: SubscriptionFormat) -> RenderedEvent? {
            guard dropped?.contains(position) != true else { return nil }
            return rows.flatMap { RenderedEvent(at: position, in: $0, as: format) }
        }

        func readChunk(
            from position: UInt64, done: @escaping (Result<([RenderedBatch], UInt64), any Error>) -> Void
        ) {
            loop.assumeIsolated().execute { done(.success(([], position))) }
        }

        func readContents(
            of positions: [UInt64], as format: SubscriptionFormat, maxBytes: Int,
            done: @escaping (Result<RenderedEvents, any Error>) -> Void
        ) {
            loop.assumeIsolated().execute { [self] in
                var found = RenderedEvents()
                for position in positions {
                    if let event = event(position, format) {
                        found.events.append(event)
                    } else {
                        found.missing.append(position)
                    }
                }
                done(.success(found))
            }
        }

        func readKeys(of positions: [UInt64], done: @escaping (Result<[[UInt8]], any Error>) -> Void) {
            loop.assumeIsolated().execute { done(.success(positions.map { _ in [] })) }
        }

        func readReplays(
            _ subscription: String, after ticket: Int64, limit: Int,
            done: @escaping (Result<[QueuedReplay], any Error>) -> Void
        ) {
            loop.assumeIsolated().execute { done(.success([])) }
        }

        func readArrival(of position: UInt64, done: @escaping (Result<Int64, any Error>) -> Void) {
            loop.assumeIsolated().execute { done(.success(0)) }
        }

        func laneDisabled(_ subscription: String, _ reason: String) {}
    }

    /// Answers come when the subscriber says, or the time-out ends.
    final class FunctionDestination: Destination {
        private(set) var attempts: [Attempt] = []
        private(set) var inFlight = 0
        private(set) var mostInFlight = 0
        private let loop: EmbeddedEventLoop
        private let subscriber: Subscriber

        init(loop: EmbeddedEventLoop, _ subscriber: @escaping Subscriber) {
            self.loop = loop
            self.subscriber = subscriber
        }

        func deliver(_ delivery: Delivery, completion: @escaping (AttemptOutcome) -> Void) {
            let timeout = Duration.nanoseconds(delivery.timeoutNanoseconds)
            let bytes =
                switch delivery.content {
                case .single(let content): content.body.count
                case .batch(let contents): DeliveryContent(joining: contents).body.count
                }
            let attempt = Attempt(
                time: .nanoseconds(Int64(loop.now.uptimeNanoseconds)), name: delivery.name.text, bodyBytes: bytes,
                timeout: timeout)
            attempts.append(attempt)
            inFlight += 1
            mostInFlight = max(mostInFlight, inFlight)
            let (outcome, after) = subscriber(attempt)
            let ended = after <= timeout ? outcome : .failed(.timeout, "no complete answer within the time-out")
            loop.assumeIsolated().scheduleTask(in: .nanoseconds(min(after, timeout).nanoseconds)) { [self] in
                inFlight -= 1
                completion(ended)
            }
        }

        func close(successor: (any Destination)?) {}
    }
}
