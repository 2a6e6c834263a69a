import StageRuntime
import Testing

@testable import FanoutRouter

@Suite struct RetryPolicyTests {
    private static let second: Int64 = 1_000_000_000
    private static let network = AttemptOutcome.failedBefore(.connectFailed, "")
    private static let timeout = AttemptOutcome.failedDuring(.timeout, "")

    private static func answered(_ status: Int, retryAfter: Int? = nil) -> AttemptOutcome {
        .answered(status: status, retryAfterSeconds: retryAfter)
    }

    /// The waits between attempts that all come to the same, until the delivery is dead; nil where it never is.
    private func waits(
        _ configuration: RetryConfiguration, _ outcome: AttemptOutcome, takes: Int64 = 0, most: Int = 1000
    ) -> [Int64] {
        let policy = RetryPolicy(configuration)
        var now: Int64 = 0
        var waits: [Int64] = []
        for number in 1...most {
            now += policy.timeout(takes, now: now, firstAttempt: 0)
            let consequence = policy.consequence(of: outcome, attempt: number, now: now, firstAttempt: 0, chance: 0)
            guard case .again(let due) = consequence else { break }
            waits.append(due - now)
            now = due
        }
        return waits
    }

    @Test func `the standard policy makes eight attempts after the waits of the specification`() {
        let expected = [5, 300, 1800, 7200, 18_000, 36_000, 36_000].map { $0 * Self.second }
        #expect(waits(.standard, Self.answered(500)) == expected)
        #expect(waits(.standard, Self.answered(404)) == expected)
        #expect(waits(.standard, Self.network) == expected)
    }

    @Test(arguments: [408, 429, 500, 502, 599]) func `Stream's policy makes three attempts at these answers`(
        _ status: Int
    ) {
        #expect(waits(.stream, Self.answered(status)).count == 2)
    }

    @Test(arguments: [301, 400, 401, 403, 404, 410, 422]) func `Stream's policy takes these answers as final`(
        _ status: Int
    ) {
        #expect(waits(.stream, Self.answered(status)).isEmpty)
    }

    @Test func `Stream's policy makes two attempts at network errors and three at time-outs, all within 15 s`() {
        #expect(waits(.stream, Self.network).count == 1)
        #expect(waits(.stream, .failedDuring(.connectionClosed, "")).count == 1)
        #expect(waits(.stream, Self.timeout, takes: 6 * Self.second).count == 2)
        let policy = RetryPolicy(.stream)
        #expect(policy.timeout(6 * Self.second, now: 0, firstAttempt: 0) == 6 * Self.second)
        #expect(policy.timeout(6 * Self.second, now: 13 * Self.second, firstAttempt: 0) == 2 * Self.second)
    }

    @Test func `attempts of different kinds count together`() {
        let policy = RetryPolicy(.stream)
        func follows(_ outcome: AttemptOutcome, _ number: Int) -> Bool {
            policy.consequence(of: outcome, attempt: number, now: 0, firstAttempt: 0, chance: 0)
                != .dead(isFinal: false)
        }
        #expect(follows(Self.network, 1))
        #expect(follows(Self.answered(503), 2))
        #expect(!follows(Self.network, 2))
        #expect(!follows(Self.timeout, 3))
    }

    @Test func `SuperViz's policy waits 2 s, doubles up to 5 min and goes on for a day`() {
        let waits = waits(.superviz, Self.answered(500))
        #expect(waits.prefix(10) == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map { $0 * Self.second }[...])
        #expect(waits.dropFirst(8).allSatisfy { $0 == 300 * Self.second })
        #expect(waits.reduce(0, +) < 86_400 * Self.second)
        #expect(waits.reduce(0, +) > 86_000 * Self.second)
    }

    @Test func `410 disables under the standard policy and under no other`() {
        func consequence(_ configuration: RetryConfiguration) -> RetryPolicy.Consequence {
            RetryPolicy(configuration).consequence(
                of: Self.answered(410), attempt: 1, now: 0, firstAttempt: 0, chance: 0)
        }
        #expect(consequence(.standard) == .disable)
        #expect(consequence(.stream) == .dead(isFinal: true))
        #expect(consequence(.superviz) == .again(due: 2 * Self.second))
    }

    @Test func `jitter adds at most a fifth`() {
        let consequence = RetryPolicy(.standard).consequence(
            of: Self.answered(500), attempt: 1, now: 0, firstAttempt: 0, chance: 1)
        #expect(consequence == .again(due: 6 * Self.second))
    }

    @Test func `Retry-After lengthens a wait, never shortens it, and is capped at a day`() {
        let policy = RetryPolicy(RetryConfiguration(schedule: [.zero, .seconds(5)]))
        func due(_ seconds: Int) -> RetryPolicy.Consequence {
            policy.consequence(
                of: Self.answered(503, retryAfter: seconds), attempt: 1, now: 0, firstAttempt: 0, chance: 0)
        }
        #expect(due(1) == .again(due: 5 * Self.second))
        #expect(due(60) == .again(due: 60 * Self.second))
        #expect(due(10_000_000) == .again(due: 86_400 * Self.second))
    }

    @Test func `no attempt begins after the deadline`() {
        let policy = RetryPolicy(
            RetryConfiguration(schedule: [.zero, .seconds(5), .seconds(30)], deadline: .seconds(15)))
        func consequence(_ number: Int, now: Int64) -> RetryPolicy.Consequence {
            policy.consequence(of: Self.answered(500), attempt: number, now: now, firstAttempt: 0, chance: 0)
        }
        #expect(consequence(1, now: 0) == .again(due: 5 * Self.second))
        #expect(consequence(2, now: 5 * Self.second) == .dead(isFinal: false))
    }

    @Test func `Retry-After is read as seconds or as a date`() {
        func seconds(_ text: String, date: String? = nil) -> Int? { RetryAfter.seconds(text, date: date) }
        #expect(seconds("120") == 120)
        #expect(seconds("-1") == nil)
        #expect(seconds("") == nil)
        #expect(seconds("99999999999999999999") == nil)
        let date = "Wed, 21 Oct 2026 07:28:00 GMT"
        #expect(seconds("Wed, 21 Oct 2026 07:29:30 GMT", date: date) == 90)
        #expect(seconds("Wed, 21 Oct 2026 07:27:00 GMT", date: date) == 0)
        #expect(seconds("21 Oct 2026", date: date) == nil)
    }
}
