import EventLog
import PipelineConfiguration
import Primitives
import Testing

@testable import EventDelivery

/// Every policy that promises times against every state of the gate, under virtual time.
@Suite struct PolicyTests {
    struct Policy: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var retry: RetryConfiguration
        /// The waits between the attempts, as long as the deadline allows; jitter may add a fifth.
        var waits: [Duration]
        /// When a delivery that never succeeds is given up after its first attempt; nil: with its last attempt.
        var end: Duration?
    }

    private static let own = RetryConfiguration(schedule: [.zero, .seconds(5), .seconds(30), .seconds(2)])
    private static let ownWithEnd = RetryConfiguration(
        schedule: [.zero, .seconds(3)], repeatsLast: true, deadline: .seconds(10))

    static let policies = [
        Policy(testDescription: "stream", retry: .stream, waits: [.milliseconds(500), .seconds(1)], end: nil),
        Policy(
            testDescription: "superviz", retry: .superviz,
            waits: [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map { .seconds($0) }, end: .seconds(86_400)),
        Policy(
            testDescription: "own", retry: own, waits: [.seconds(5), .seconds(30), .seconds(2)], end: nil),
        Policy(
            testDescription: "own with a deadline", retry: ownWithEnd,
            waits: [.seconds(3), .seconds(3), .seconds(3)], end: .seconds(10)),
    ]

    /// What the gate is brought into before each attempt ends, so that it holds for the next one.
    struct Obstacle: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var apply: @Sendable (inout LaneGate, Int64) -> Void
    }

    static let obstacles = [
        Obstacle(testDescription: "nothing") { _, _ in },
        Obstacle(testDescription: "an open breaker") { gate, now in
            for _ in 0..<50 { gate.failed(now: now, chance: 1) }
        },
        Obstacle(testDescription: "a breaker open for a minute, again and again") { gate, now in
            for _ in 0..<20 {
                gate.started(isRetry: false, now: now + 3_600_000_000_000)
                for _ in 0..<5 { gate.failed(now: now, chance: 1) }
            }
        },
        Obstacle(testDescription: "a probe that never ends") { gate, now in
            for _ in 0..<5 { gate.failed(now: now, chance: 1) }
            gate.started(isRetry: false, now: now + 3_600_000_000_000)
        },
        Obstacle(testDescription: "no budget for retries") { gate, now in
            for _ in 0..<100 { gate.started(isRetry: true, now: now) }
        },
        Obstacle(testDescription: "concurrency lowered to one") { gate, now in
            for second in 0..<100 { gate.failed(now: now + Int64(second) * 1_000_000_000, chance: 0) }
            gate.succeeded(inFlight: 1)
        },
    ]

    @Test(arguments: policies, obstacles)
    func `attempts, intervals and deadline are the policy's, whatever the gate does`(
        policy: Policy, obstacle: Obstacle
    ) throws {
        var fixture: VirtualLane?
        let fails: VirtualLane.Subscriber = { _ in
            if let lane = fixture?.lane { obstacle.apply(&lane.gate, lane.clock.now) }
            return (.answered(status: 503, retryAfterSeconds: nil), .zero)
        }
        fixture = try VirtualLane(VirtualLane.settings(policy.retry), events: 3, subscriber: fails)
        let lane = try #require(fixture)
        for attempt in lane.destination.attempts { #expect(attempt.time == .zero) }
        let last = policy.end ?? .seconds(3600)
        lane.run(until: last - .milliseconds(1))
        for name in ["1", "2", "3"] {
            let times = lane.times(of: name)
            let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
            for (gap, wait) in zip(gaps, policy.waits) {
                #expect(gap >= wait && gap <= wait + wait * 0.2 + .milliseconds(2), "\(gap) instead of \(wait)")
            }
            if policy.retry.scheme != .superviz { #expect(gaps.count == policy.waits.count) }
            #expect(gaps.count >= policy.waits.count)
        }
        if policy.end == nil {
            #expect(lane.deadLetters() == [1: "status 503", 2: "status 503", 3: "status 503"])
            return
        }
        #expect(lane.deadLetters().isEmpty, "not before its deadline")
        lane.run(for: .milliseconds(2))
        let letters = lane.deadLetters()
        #expect(letters.count == 3 && letters.values.allSatisfy { $0.hasPrefix("deadline: ") }, "at its deadline")
        #expect(lane.lane.cursor.eventCount == 0)
        fixture = nil
    }

    @Test(arguments: [1, 30, 200]) func `Stream's policy makes three attempts within 15 s at a subscriber that fails`(
        events: Int
    ) throws {
        let fixture = try VirtualLane(VirtualLane.settings(.stream), events: events) { _ in
            (.answered(status: 503, retryAfterSeconds: nil), .milliseconds(20))
        }
        fixture.run(for: .seconds(24 * 3600))
        let byName = Dictionary(grouping: fixture.attempts, by: \.name)
        #expect(byName.count == events)
        for (_, attempts) in byName {
            #expect(attempts.count == 3)
            #expect(attempts[2].time - attempts[0].time <= .seconds(15))
        }
        #expect(fixture.lane.cursor.eventCount == 0)
    }

    @Test func `a request that hangs is cut off at its time-out, and the last one at the deadline of all`() throws {
        let fixture = try VirtualLane(VirtualLane.settings(.stream), events: 1) { _ in
            (.answered(status: 200, retryAfterSeconds: nil), .seconds(60))
        }
        fixture.run(until: .milliseconds(14_999))
        #expect(fixture.attempts.map(\.timeout).prefix(2) == [.seconds(6), .seconds(6)])
        #expect(fixture.attempts.count == 3)
        #expect(fixture.attempts[2].time + fixture.attempts[2].timeout == .seconds(15))
        #expect(fixture.deadLetters().isEmpty)
        fixture.run(for: .milliseconds(1))
        #expect(fixture.deadLetters()[1]?.hasPrefix("timeout") == true)
    }

    /// The operator's own limits stand above the policy: they may delay an attempt, never multiply it, and what they
    /// delay too long is given up exactly when its time is over.
    @Test(arguments: [(concurrency: 1, perSecond: nil), (1, 1.0), (30, 1.0), (4, 0.2), (30, 20.0)] as [(Int, Double?)])
    func `within concurrency and rate nothing is attempted too early, too often, or after its deadline`(
        concurrency: Int, perSecond: Double?
    ) throws {
        let settings = try VirtualLane.settings(.stream, concurrency: concurrency, perSecond: perSecond)
        var ends: [UInt64: Duration] = [:]
        let fixture = try VirtualLane(settings, events: 40) { _ in
            (.answered(status: 503, retryAfterSeconds: nil), .milliseconds(700))
        }
        while fixture.lane.cursor.eventCount > 0 || fixture.lane.cursor.taken < 40, fixture.now < .seconds(100_000) {
            fixture.run(for: .milliseconds(10))
            for (position, reason) in fixture.deadLetters() {
                ends[position] = fixture.now
                let times = fixture.times(of: "\(position)")
                #expect((1...3).contains(times.count))
                #expect(times.allSatisfy { $0 - times[0] < .seconds(15) })
                if reason.hasPrefix("deadline: ") {
                    let age = fixture.now - times[0]
                    #expect(age >= .seconds(15) && age <= .milliseconds(15_020), "\(age)")
                } else {
                    #expect(reason == "status 503" && times.count == 3)
                }
                let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
                for (gap, wait) in zip(gaps, [Duration.milliseconds(1200), .milliseconds(1700)]) {
                    #expect(gap >= wait)
                }
            }
        }
        #expect(ends.count == 40)
        #expect(fixture.destination.mostInFlight <= concurrency)
        guard let perSecond else { return }
        let times = fixture.attempts.map(\.time.inSeconds)
        let burst = Int(max(1, perSecond / 10))
        for (first, later) in zip(times, times.dropFirst(burst)) { #expect(later - first >= 1 / perSecond - 0.001) }
    }

    @Test func `the standard policy leaves retries to the breaker and the budget`() throws {
        let fixture = try VirtualLane(VirtualLane.settings(.standard), events: 30) { _ in
            (.answered(status: 503, retryAfterSeconds: nil), .zero)
        }
        fixture.run(until: .seconds(30))
        #expect(fixture.attempts.count < 30 + 10, "no more than single probes")
    }

    @Test func `a first wait of an own schedule comes before the first attempt`() throws {
        let retry = RetryConfiguration(schedule: [.seconds(20), .seconds(5)], deadline: .seconds(60))
        let fixture = try VirtualLane(VirtualLane.settings(retry), events: 2) { _ in
            (.answered(status: 503, retryAfterSeconds: nil), .zero)
        }
        fixture.run(until: .seconds(100))
        #expect(fixture.times(of: "1") == [.seconds(20), .seconds(25)])
        #expect(fixture.times(of: "2") == [.seconds(20), .seconds(25)])
    }

    @Test func `a pause does not count against the deadline`() throws {
        let retry = RetryConfiguration(schedule: [.zero, .seconds(5), .seconds(5)], deadline: .seconds(12))
        let fixture = try VirtualLane(VirtualLane.settings(retry), events: 1) { attempt in
            (.answered(status: attempt.time < .seconds(60) ? 503 : 200, retryAfterSeconds: nil), .zero)
        }
        fixture.run(until: .seconds(1))
        fixture.lane.pause()
        fixture.run(until: .seconds(100))
        fixture.lane.resume()
        fixture.run(until: .seconds(101))
        #expect(fixture.times(of: "1") == [.zero, .seconds(100)])
        #expect(fixture.lane.cursor.eventCount == 0 && fixture.deadLetters().isEmpty)
    }

    @Test func `a Retry-After beyond the deadline leaves nothing but the deadline`() throws {
        let fixture = try VirtualLane(VirtualLane.settings(.stream), events: 1) { _ in
            (.answered(status: 429, retryAfterSeconds: .max), .zero)
        }
        fixture.run(until: .milliseconds(14_999))
        #expect(fixture.attempts.count == 1 && fixture.deadLetters().isEmpty)
        fixture.run(for: .milliseconds(2))
        #expect(fixture.attempts.count == 1)
        #expect(fixture.deadLetters() == [1: "deadline: not delivered within 15s of its first attempt"])
    }

    @Test func `another deadline counts for what waits already`() throws {
        let fixture = try VirtualLane(VirtualLane.settings(.superviz), events: 1) { _ in
            (.answered(status: 503, retryAfterSeconds: nil), .zero)
        }
        fixture.run(until: .seconds(1000))
        let retry = RetryConfiguration(schedule: [.zero, .seconds(600)], repeatsLast: true, deadline: .seconds(1010))
        let settings = try VirtualLane.settings(retry)
        fixture.lane.reconfigure(settings, destination: fixture.destination)
        fixture.run(until: .milliseconds(1_009_999))
        #expect(fixture.deadLetters().isEmpty)
        fixture.run(for: .milliseconds(2))
        #expect(fixture.deadLetters()[1]?.hasPrefix("deadline: ") == true)
    }
}
