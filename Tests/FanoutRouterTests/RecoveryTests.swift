import EventLog
import LogSamples
import NIOCore
import PipelineConfiguration
import Primitives
import StageMetrics
import Synchronization
import Testing

@testable import EventDelivery

/// What happens when a subscriber comes back.
@Suite struct RecoveryTests {
    private static let answerNanoseconds: Int64 = 20_000_000
    private static let concurrency = 4
    private static let perSecond = 100.0

    @Test func `a subscriber that recovers is caught up in log order, never above its concurrency and its rate`()
        async throws
    {
        let folder = try TemporaryFolder()
        let log = EventLogSettings(path: folder.file)
        let arrivals = Mutex<[(position: UInt64, nanoseconds: Int64)]>([])
        // It recovers by itself: the longer it fails, the longer the breaker waits.
        let subscriber = try Subscriber { number, request in
            guard number > 6 else { return .status(503) }
            arrivals.withLock { $0.append((request.position, monotonicNanoseconds())) }
            return .delayed(200, .nanoseconds(Self.answerNanoseconds))
        }
        let settings = LaneSettings(
            name: "app", place: subscriber.url,
            policy: RetryPolicy(
                RetryConfiguration(schedule: Array(repeating: Duration.milliseconds(100), count: 1000))),
            concurrency: Self.concurrency, requestsPerSecond: Self.perSecond)
        let fixture = try RouterFixture(log, lanes: [settings])
        fixture.receive(1...300)
        let failed = Set(try await subscriber.wait(for: 6).prefix(6).map(\.position))
        try await eventually { Set(arrivals.withLock { $0 }.map(\.position)) == Set(1...300) }
        let all = arrivals.withLock { $0 }
        #expect(all.count == 300, "nothing comes twice")

        // The next request beyond the limit starts when the first of them was answered, so that long after it came.
        let gaps = zip(all, all.dropFirst(Self.concurrency)).map { $1.nanoseconds - $0.nanoseconds }
        #expect(gaps.allSatisfy { $0 >= Self.answerNanoseconds })
        // A tenth of a second's worth may be saved up, and what is in flight may arrive together.
        let window = 60
        let least = (Double(window) - Self.perSecond / 10 - Double(Self.concurrency) - 1) / Self.perSecond
        let spans = zip(all, all.dropFirst(window)).map { Double($1.nanoseconds - $0.nanoseconds) / 1e9 }
        #expect(spans.allSatisfy { $0 >= least })

        let fresh = all.map(\.position).filter { !failed.contains($0) }
        #expect(zip(fresh, fresh.dropFirst(Self.concurrency)).allSatisfy { $0 < $1 }, "in log order")
        fixture.stop()
        subscriber.stop()
    }
}
