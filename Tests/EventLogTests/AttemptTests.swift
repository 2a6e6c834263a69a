import EventLog
import LogSamples
import Testing

@Suite struct AttemptTests {
    @Test func `attempts are kept with the first KiB of the answer and with the replay that asked for them`() throws {
        let fixture = try LogFixture()
        _ = try fixture.log.lane("app")
        var attempt = LogFixture.attempt(3, answer: [UInt8](repeating: 7, count: 1500))
        attempt.replay = 12
        try fixture.save("app", taken: 3, attempts: [attempt, LogFixture.attempt(3, 2)])
        let kept = try fixture.reader.attempts(position: 3)
        attempt.answer = [UInt8](repeating: 7, count: 1024)
        #expect(kept.map(\.attempt) == [attempt, LogFixture.attempt(3, 2)])
        #expect(kept.map(\.subscription) == ["app", "app"])
    }

    @Test func `each part of a query chooses, newest first, in pages of any size`() throws {
        let fixture = try LogFixture()
        for name in ["a", "b"] {
            _ = try fixture.log.lane(name)
            try fixture.save(
                name, taken: 9,
                attempts: (1...30).map { number in
                    LogFixture.attempt(
                        UInt64(number % 3 + 1), number + (name == "b" ? 100 : 0),
                        outcome: ["status", "timeout", "delivered"][number % 3], at: Int64(number))
                })
        }
        for limit in [1, 7, 1000] {
            #expect(try fixture.attempts(limit: limit) { $0.subscription = "a" } == (1...30).reversed())
            #expect(try fixture.attempts(limit: limit) == (101...130).reversed() + (1...30).reversed())
            #expect(
                try fixture.attempts(limit: limit) {
                    $0.subscription = "b"
                    $0.outcomes = ["timeout", "delivered"]
                    $0.since = 10
                    $0.until = 20
                } == (110..<120).filter { ($0 - 100) % 3 != 0 }.reversed())
            #expect(
                try fixture.attempts(limit: limit) {
                    $0.position = 2
                    $0.subscription = "a"
                } == (1...30).filter { $0 % 3 == 1 }.reversed())
        }
    }

    @Test func `a query for what is rare gives up its turn and goes on`() throws {
        let fixture = try LogFixture()
        _ = try fixture.log.lane("a")
        try fixture.save(
            "a", taken: 9,
            attempts: (1...100).map { LogFixture.attempt(1, $0, outcome: $0 == 3 ? "timeout" : "status") })
        var query = AttemptQuery()
        query.outcomes = ["timeout"]
        query.rowLimit = 40
        var turns = 0
        var found: [Int] = []
        repeat {
            let page = try fixture.reader.attempts(query)
            found += page.attempts.map(\.attempt.number)
            query.before = page.next
            turns += 1
        } while query.before != nil
        #expect(found == [3])
        #expect(turns == 3)
    }

    @Test func `each subscription keeps its newest attempts, with many subscriptions fewer`() throws {
        let fixture = try LogFixture {
            $0.attemptsPerSubscription = 50
            $0.attemptsTotal = 60
        }
        for name in ["a", "b", "c"] { _ = try fixture.log.lane(name) }
        for round in 0..<10 {
            try fixture.save("a", taken: 1, attempts: (1...20).map { LogFixture.attempt(1, round * 20 + $0) })
        }
        #expect(try fixture.attempts { $0.subscription = "a" } == (151...200).reversed())
        for name in ["b", "c"] {
            try fixture.save(name, taken: 1, attempts: (1...40).map { LogFixture.attempt(1, $0) })
        }
        #expect(try fixture.attempts { $0.subscription = "c" } == (21...40).reversed())
        try fixture.save("a", taken: 1, attempts: [LogFixture.attempt(1, 201)])
        #expect(try fixture.attempts { $0.subscription = "a" } == (182...201).reversed())
    }

    @Test func `what a smaller bound leaves too much goes a little with each commit`() throws {
        let fixture = try LogFixture()
        _ = try fixture.log.lane("a")
        try fixture.save("a", taken: 1, attempts: (1...500).map { LogFixture.attempt(1, $0) })
        fixture.settings.attemptsPerSubscription = 100
        try fixture.reopen()
        try fixture.save("a", taken: 1, attempts: [LogFixture.attempt(1, 501)])
        let afterOne = try fixture.attempts().count
        #expect((400..<501).contains(afterOne))
        for number in 502...520 { try fixture.save("a", taken: 1, attempts: [LogFixture.attempt(1, number)]) }
        #expect(try fixture.attempts() == (421...520).reversed())
    }
}
