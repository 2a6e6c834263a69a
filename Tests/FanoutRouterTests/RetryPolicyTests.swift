import PipelineConfiguration
import Testing

@testable import EventDelivery

@Suite struct RetryPolicyTests {
    private static let second: Int64 = 1_000_000_000
    private static let network = AttemptOutcome.failed(.connectFailed, "")
    private static let timeout = AttemptOutcome.failed(.timeout, "")

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
            guard case .again(let due) = consequence, due < policy.deadlineNanoseconds ?? .max else { break }
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
        #expect(waits(.stream, .failed(.connectionClosed, "")).count == 1)
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

    @Test func `Retry-After lengthens a wait, never shortens it, and is clamped to the policy's longest wait`() {
        func due(_ seconds: Int, _ retry: RetryConfiguration, status: Int = 503) -> RetryPolicy.Consequence {
            RetryPolicy(retry).consequence(
                of: Self.answered(status, retryAfter: seconds), attempt: 1, now: 0, firstAttempt: 0, chance: 0)
        }
        let short = RetryConfiguration(schedule: [.zero, .seconds(5)])
        #expect(due(1, short) == .again(due: 5 * Self.second))
        #expect(due(60, short) == .again(due: 60 * Self.second))
        for asked in [61, 9_999_999_999, .max] {
            #expect(due(asked, short) == .again(due: 60 * Self.second), "a minute is believed of everybody")
            #expect(due(asked, .superviz) == .again(due: Int64(min(asked, 300)) * Self.second))
            #expect(due(asked, .standard) == .again(due: Int64(min(asked, 36_000)) * Self.second))
            #expect(due(asked, .standard, status: 302) == .again(due: Int64(min(asked, 36_000)) * Self.second))
            #expect(due(asked, .stream) == .again(due: 15 * Self.second), "its deadline; then it is given up")
        }
        #expect(due(0, short) == .again(due: 5 * Self.second))
        #expect(due(10, .stream) == .again(due: 10 * Self.second))
    }

    @Test func `no attempt begins after the deadline, and nothing is given up before it`() {
        let policy = RetryPolicy(
            RetryConfiguration(schedule: [.zero, .seconds(5), .seconds(30)], deadline: .seconds(15)))
        func consequence(_ number: Int, now: Int64) -> RetryPolicy.Consequence {
            policy.consequence(of: Self.answered(500), attempt: number, now: now, firstAttempt: 0, chance: 0)
        }
        #expect(consequence(1, now: 0) == .again(due: 5 * Self.second))
        #expect(consequence(2, now: 5 * Self.second) == .again(due: 15 * Self.second))
        #expect(consequence(3, now: 6 * Self.second) == .dead(isFinal: false))
    }

    @Test func `a batch that is too large is halved, an event that is too large alone is final`() {
        for retry in [RetryConfiguration.standard, .stream, .superviz] {
            func consequence(_ events: Int?) -> RetryPolicy.Consequence {
                RetryPolicy(retry).consequence(
                    of: Self.answered(413), attempt: 1, now: 0, firstAttempt: 0, chance: 0, batchOf: events)
            }
            #expect(consequence(8) == .halve)
            #expect(consequence(2) == .halve)
            #expect(consequence(1) == .dead(isFinal: true))
            #expect((consequence(nil) == .dead(isFinal: true)) == (retry == .stream), "the policy's own judgement")
        }
    }

    private static let date = "Wed, 21 Oct 2026 07:28:00 GMT"

    @Test(
        arguments: [
            ("120", 120), ("0", 0), ("9999999999", 9_999_999_999), ("99999999999999999999", .max),
            ("00000000000000000000000000000000000000000000000000000000000120", 120), ("  120", 120), ("120 \t", 120),
            ("\t 120 ", 120), (String(repeating: "9", count: 5000), .max), ("", nil), ("  ", nil), ("-1", nil),
            ("+5", nil), ("1.5", nil), ("5s", nil), ("1 2", nil), ("soon", nil),
            // The three forms of a date, past ones too.
            ("Wed, 21 Oct 2026 07:29:30 GMT", 90), (" Wed, 21 Oct 2026 07:29:30 GMT ", 90),
            ("Wednesday, 21-Oct-26 07:29:30 GMT", 90), ("Wed Oct 21 07:29:30 2026", 90),
            ("Sun Nov  1 07:28:00 2026", 950_400),
            ("Wed, 21 Oct 2026 07:27:00 GMT", 0), ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
            ("Sun Nov  6 08:49:37 1994", 0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 251_609_733_119),
            ("21 Oct 2026", nil), ("Wed, 21 Oct 2026 07:29:30 CET", nil), ("Wed, 21 Xxx 2026 07:29:30 GMT", nil),
            ("Wed, 32 Oct 2026 07:29:30 GMT", nil), ("Wed, 21 Oct 2026 24:00:00 GMT", nil),
            ("Wed, 21 Oct 2026 7:29:30 GMT", nil), ("Wednesday, 21-Oct-2026 07:29:30 GMT", nil),
        ] as [(String, Int?)])
    func `Retry-After is read in every form of the standard, and as nothing else`(text: String, seconds: Int?) {
        #expect(RetryAfter.seconds(text, date: Self.date) == seconds)
        #expect(RetryAfter.seconds(text, date: " Wednesday, 21-Oct-26 07:28:00 GMT") == seconds)
    }

    @Test func `a date without another one beside it is taken by this machine's clock`() {
        #expect(RetryAfter.seconds("Fri, 31 Dec 1999 23:59:59 GMT", date: nil) == 0)
        #expect(RetryAfter.seconds("Fri, 31 Dec 9999 23:59:59 GMT", date: "yesterday") ?? 0 > 200_000_000_000)
        #expect(RetryAfter.seconds(nil, date: Self.date) == nil)
    }
}
