import EventLog
import Events
import LogSamples
import Testing
import Wire

@testable import EventDelivery

/// Matching and bookkeeping that must cost little, however many subscriptions and waiting deliveries there are.
@Suite struct MatchingTests {
    /// A row with one event per type.
    private func row(types: [String], subject: String = "calls/default:1") throws -> EventBatch {
        let folder = try TemporaryFolder()
        let settings = EventLogSettings(path: folder.file)
        let log = try SegmentEventLog(settings: settings)
        var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 1)
        for (index, type) in types.enumerated() {
            let envelope = Sample.envelope(
                sequence: UInt64(index + 1), ids: ["id-\(index)"], type: type, subject: subject)
            _ = try Sample.admit(envelope, log, &transaction)
        }
        return try #require(try log.commit(transaction).first)
    }

    @Test(arguments: [
        "participant.joined", "participant.*", "*", "**", "*.joined", "p*d", "", "participant.joinedX", "participant",
        "participant.joined*", "*participant.joined",
    ])
    func `a compiled pattern says what the pattern says`(pattern: String) {
        let compiled = AttributePattern(pattern)
        for text in ["participant.joined", "participant.", "participant", "", "x", "participant.joinedX"] {
            let matches = Array(text.utf8).withUnsafeBytes { compiled.matches($0) }
            #expect(matches == WildcardPattern(pattern).matches(text), "\(pattern) against \(text)")
        }
    }

    @Test func `a row finds the next event that matches and says so when there is none`() throws {
        let batch = try row(types: [
            "dev.tributary.room.created", "dev.tributary.participant.joined", "other", "dev.tributary.room.ended",
        ])
        let rendered = RenderedBatch(batch)
        #expect(rendered.firstMatch(from: 1, EventMatcher(types: ["participant.*"])) == 2)
        #expect(rendered.firstMatch(from: 3, EventMatcher(types: ["participant.*"])) == nil)
        #expect(rendered.firstMatch(from: 2, EventMatcher(types: ["room.*"])) == 4)
        #expect(rendered.firstMatch(from: 1, EventMatcher(types: ["other"], sources: ["stream"])) == 3)
        #expect(rendered.firstMatch(from: 1, EventMatcher(sources: ["mux"])) == nil)
        #expect(rendered.firstMatch(from: 1, EventMatcher(subjects: ["calls/*"])) == 1)
        #expect(rendered.firstMatch(from: 1, EventMatcher(providers: ["stream"])) == nil)
        #expect(rendered.firstMatch(from: 4, EventMatcher()) == 4)
        #expect(rendered.firstMatch(from: 5, EventMatcher()) == nil)
    }

    @Test func `what is due comes out by time, equal times by position`() {
        var queue = DueQueue()
        let entries = (0..<500).map { ((Int64($0) * 7919) % 97, UInt64($0)) }
        for (due, position) in entries { queue.set(position, due) }
        var taken: [(Int64, UInt64)] = []
        while let first = queue.first {
            taken.append((first.due, first.position))
            queue.set(first.position, nil)
        }
        #expect(taken.elementsEqual(entries.sorted { $0 < $1 }) { $0 == $1 })
    }

    @Test func `what is remembered of attempts is bounded in number and bytes`() {
        var history = AttemptHistory()
        func attempt(_ position: UInt64) -> AttemptRecord {
            AttemptRecord(
                position: position, number: 1, startedNanoseconds: Int64(position), durationNanoseconds: 1,
                outcome: "delivered", status: 200, detail: "", answer: Array(repeating: 1, count: 1000))
        }
        for position in 1...5000 as ClosedRange<UInt64> {
            history.add(attempt(position), isEveryday: true)
            history.add(attempt(position), isEveryday: false)
            #expect(history.sizeBytes <= 2 * AttemptHistory.answerBytes)
        }
        #expect(history.attempts(at: 5000).contains { $0.answer.count == 1000 })
        #expect(history.attempts(at: 4500).map(\.answer.count) == [0], "the oldest lose their answers first")
        #expect(history.attempts(at: 3999).isEmpty)
        #expect(history.takeUnsaved().count == 2000)
    }

    @Test func `an order asked for later survives that events leave out of turn`() {
        var gate = KeyGate()
        let isFirst = gate.enter(1, key: [1])
        #expect(isFirst)
        for position in 2...4 as ClosedRange<UInt64> {
            let mayGo = gate.enter(position, key: [1])
            #expect(!mayGo)
        }
        #expect(gate.blocker(of: 4) == 1 && gate.ahead(of: 4) == 3)
        var next = gate.leave(3)
        #expect(next == nil)
        next = gate.leave(1)
        #expect(next == 2)
        next = gate.leave(2)
        #expect(next == 4)
        next = gate.leave(4)
        #expect(next == nil && gate.isEmpty)
    }

    @Test func `other limits are taken over without forgetting what was learnt`() {
        var gate = LaneGate(concurrency: 8, perSecond: nil, now: 0)
        gate.failed(now: 1, chance: 0)
        #expect(gate.concurrency.limit == 6)
        gate.adjust(concurrency: 20, perSecond: 100, now: 2)
        #expect(gate.concurrency.limit == 6, "a limit that shrank is found out anew")
        gate.adjust(concurrency: 4, perSecond: 100, now: 3)
        #expect(gate.concurrency.limit == 4)
        gate.adjust(concurrency: 10, perSecond: 100, now: 4)
        #expect(gate.concurrency.limit == 10, "a limit at its bound goes along")
        for _ in 0..<10 { gate.started(isRetry: false, now: 5) }
        #expect(gate.obstacle(now: 5, inFlight: 0, isRetry: false) != nil)
        gate.adjust(concurrency: 10, perSecond: 50, now: 6)
        #expect(gate.obstacle(now: 6, inFlight: 0, isRetry: false) != nil, "a new rate brings no new burst")
        gate.adjust(concurrency: 10, perSecond: nil, now: 7)
        #expect(gate.obstacle(now: 7, inFlight: 0, isRetry: false) == nil)
    }
}

/// Rows that several lanes read from disk at the same place.
@Suite struct RecentRowsTests {
    private func row(_ first: UInt64, count: Int) throws -> RenderedBatch {
        var records: [UInt8] = []
        for _ in 0..<count { records += [4, 0, 0, 0, 1, 2, 3, 4] }
        return RenderedBatch(
            try EventBatch(first: first, takenAtNanoseconds: 1, appendedAtNanoseconds: 2, records: records))
    }

    @Test func `rows that follow on one another are found from any position in them, up to a gap or a bound`() throws {
        var recent = RecentRows(budgetBytes: 1 << 20)
        recent.keep([try row(1, count: 10), try row(11, count: 5), try row(16, count: 1)])
        recent.keep([try row(30, count: 2)])
        recent.keep([try row(11, count: 5)])
        #expect(recent.rows(from: 3, maxBytes: 1 << 20).map(\.first) == [1, 11, 16])
        #expect(recent.rows(from: 15, maxBytes: 1 << 20).map(\.first) == [11, 16])
        #expect(recent.rows(from: 31, maxBytes: 1 << 20).map(\.first) == [30])
        #expect(recent.rows(from: 1, maxBytes: 1).map(\.first) == [1])
        #expect(recent.rows(from: 17, maxBytes: 1 << 20).isEmpty)
    }

    @Test func `the oldest rows make room`() throws {
        let one = try row(1, count: 10)
        var recent = RecentRows(budgetBytes: 2 * one.sizeBytes)
        recent.keep([one, try row(11, count: 10), try row(21, count: 10)])
        #expect(recent.rows(from: 1, maxBytes: 1 << 20).isEmpty)
        #expect(recent.rows(from: 11, maxBytes: 1 << 20).count == 2)
    }
}
