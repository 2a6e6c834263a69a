import EventLog
import GRDB
import LogSamples
import Testing

@Suite struct DeadLetterTests {
    private func fixture() throws -> LogFixture {
        let fixture = try LogFixture()
        try fixture.append(40)
        for name in ["a", "b"] {
            _ = try fixture.log.lane(name)
            try fixture.save(
                name, taken: 40,
                changes: [
                    .dead(
                        DeadLetter(first: 1, last: 9, reason: "expired", attempts: 0, diedAtNanoseconds: 1)),
                    LogFixture.dead(10, "status 500", at: 10), LogFixture.dead(11, "timeout: no answer in 5 s", at: 11),
                    LogFixture.dead(12, "timeout: no answer in 9 s", at: 12),
                    LogFixture.dead(13, "address_refused: 10.0.0.1", at: 13),
                    .retrying(
                        RetryingDelivery(
                            position: 14, attempts: 1, firstAttemptNanoseconds: 1, dueNanoseconds: 2, replay: 3)),
                ])
        }
        return fixture
    }

    @Test func `each part of a filter chooses, in pages of any size`() throws {
        let fixture = try fixture()
        func chosen(_ change: (inout DeadLetterFilter) -> Void) throws -> [String] {
            let whole = try fixture.deadLetters { change(&$0.filter) }
            for limit in [1, 2, 3] { #expect(try fixture.deadLetters(limit: limit) { change(&$0.filter) } == whole) }
            let inTurns = try fixture.deadLetters {
                change(&$0.filter)
                $0.rowLimit = 2
            }
            #expect(inTurns == whole)
            return whole
        }
        #expect(try chosen { _ in }.count == 10)
        #expect(try chosen { $0.subscription = "b" } == ["b 1", "b 10", "b 11", "b 12", "b 13"])
        #expect(try chosen { $0.causes = ["timeout"] } == ["a 11", "a 12", "b 11", "b 12"])
        #expect(try chosen { $0.causes = ["timeout", "status 500"] }.count == 6)
        #expect(try chosen { $0.fault = .ours } == ["a 1", "a 13", "b 1", "b 13"])
        #expect(
            try chosen {
                $0.subscription = "a"
                $0.fault = .theirs
            } == ["a 10", "a 11", "a 12"])
        #expect(try chosen { ($0.since, $0.until) = (11, 13) } == ["a 11", "a 12", "b 11", "b 12"])
        #expect(try chosen { ($0.first, $0.last) = (5, 10) } == ["a 1", "a 10", "b 1", "b 10"])
    }

    @Test func `totals count events by subscription and cause`() throws {
        let fixture = try fixture()
        var filter = DeadLetterFilter()
        filter.subscription = "a"
        let totals = try fixture.reader.deadLetterTotals(filter)
        #expect(totals.map(\.cause) == ["address_refused", "expired", "status 500", "timeout"])
        #expect(totals.map(\.count) == [1, 9, 1, 2])
        #expect(totals.map(\.fault) == [.ours, .ours, .theirs, .theirs])
        #expect(totals.last?.oldestNanoseconds == 11)
        #expect(totals.last?.newestNanoseconds == 12)
        filter.fault = .theirs
        #expect(try fixture.reader.deadLetterTotals(filter).map(\.cause) == ["status 500", "timeout"])
        #expect(try fixture.reader.deadLetterCounts() == ["a": 13, "b": 13])
    }

    @Test func `the dead letter that holds a position is found, in a range too`() throws {
        let reader = try fixture().reader
        #expect(try reader.deadLetter(subscription: "a", position: 5)?.reason == "expired")
        #expect(try reader.deadLetter(subscription: "a", position: 12)?.cause == "timeout")
        #expect(try reader.deadLetter(subscription: "a", position: 14) == nil)
        #expect(try reader.deadLetter(subscription: "a", position: 15) == nil)
        #expect(try reader.deadLetter(subscription: "c", position: 12) == nil)
    }

    @Test func `the oldest make room for later ones and are counted`() throws {
        let fixture = try LogFixture { $0.deadLettersPerSubscription = 20 }
        try fixture.append(400)
        for name in ["a", "b"] { _ = try fixture.log.lane(name) }
        try fixture.save("b", taken: 400, changes: (1...20).map { LogFixture.dead($0) })
        for start in stride(from: 1, to: 101, by: 10) as StrideTo<UInt64> {
            try fixture.save("a", taken: 400, changes: (start..<start + 10).map { LogFixture.dead($0) })
        }
        // The same again, and what is no dead letter any more, count right.
        try fixture.save("a", taken: 400, changes: (91...100).map { LogFixture.dead($0, "timeout") })
        try fixture.save("a", taken: 400, changes: [.cleared(position: 100), .cleared(position: 300)])
        try fixture.save("a", taken: 400, changes: [LogFixture.dead(101), LogFixture.dead(102)])
        #expect(
            try fixture.deadLetters { $0.filter.subscription = "a" }
                == ([82...99, 101...102] as [ClosedRange<Int>])
                .joined().map { "a \($0)" })
        #expect(fixture.log.displacedDeadLetters == 81)
        #expect(try fixture.deadLetters { $0.filter.subscription = "b" }.count == 20)
        // What waits for its replay makes no room and takes none.
        #expect(try fixture.log.queueReplay(subscription: "a", positions: [82, 83]) == 2)
        try fixture.save("a", taken: 400, changes: [LogFixture.dead(200), LogFixture.dead(201)])
        #expect(fixture.log.displacedDeadLetters == 81)
        #expect(try fixture.reader.queuedReplayCount(subscription: "a") == 2)
    }

    @Test func `dead letters whose events are gone go once they are over age, a few at a time`() throws {
        let day: Int64 = 86_400_000_000_000
        let fixture = try LogFixture {
            $0.retentionSeconds = 86_400
            $0.retentionBytes = 1
        }
        try fixture.append(50)
        _ = try fixture.log.lane("a")
        try fixture.save(
            "a", taken: 50, changes: (1...50).map { LogFixture.dead($0, at: $0 <= 30 ? day : 3 * day) })
        // Their events are kept by neither age nor size; some of them are too young.
        var steps = 0
        while try fixture.log.dropExpired(nowNanoseconds: 3 * day, rows: 10) > 0 { steps += 1 }
        #expect(steps == 3)
        #expect(try fixture.deadLetters().count == 20)
        _ = try fixture.log.dropExpired(nowNanoseconds: 3 * day, rows: 10)
        while try fixture.log.dropExpired(nowNanoseconds: 5 * day, rows: 10) > 0 {}
        #expect(try fixture.deadLetters().isEmpty)
    }
}
