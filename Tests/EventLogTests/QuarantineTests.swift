import JSON
import LogSamples
import Testing
import Wire

@testable import EventLog

/// What every event log's quarantine must do.
@Suite final class QuarantineContract {
    let folder: TemporaryFolder
    var settings: EventLogSettings
    private var sequence: UInt64 = 0

    init() throws {
        folder = try TemporaryFolder()
        settings = EventLogSettings(path: folder.file)
        settings.quarantineSources = ["a", "b"]
    }

    private func open() throws -> (log: any EventLog, reader: EventLogReader) {
        let log = try SegmentEventLog(settings: settings)
        return (log, try log.makeReader())
    }

    private func put(_ webhooks: [QuarantinedWebhook], _ log: any EventLog) throws {
        var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 7)
        transaction.quarantine(webhooks)
        _ = try log.commit(transaction)
    }

    private func sequences(
        _ reader: EventLogReader, _ change: (inout QuarantineQuery) -> Void = { _ in }
    ) throws -> [UInt64] {
        var query = QuarantineQuery()
        query.limit = 1000
        change(&query)
        return try reader.quarantined(query).webhooks.map(\.sequence)
    }

    @Test func `what is refused again takes the place of its entry and counts the tries`() throws {
        let (log, reader) = try open()
        try put([Sample.quarantined("a", 1), Sample.quarantined("a", 2)], log)
        #expect(try log.markReplayed(quarantineIDs: [1], tries: [0], atNanoseconds: 5) == 1)
        var again = Sample.quarantined("a", 1, bytes: 30, isVerified: true, quarantinedAt: 9)
        again.isReplay = true
        try put([again], log)
        let entry = try #require(try reader.quarantined(id: 1))
        #expect(entry.code == "body_not_json")
        #expect(entry.tries == 1)
        #expect(entry.replayedAtNanoseconds == nil)
        #expect(entry.quarantinedAtNanoseconds == 9)
        #expect(try sequences(reader) == [1, 2])
        #expect(try use("a", log).webhooks == 2)
        // Who notes late that it was sent does not hide that it came back.
        #expect(try log.markReplayed(quarantineIDs: [1, 2], tries: [0, 0], atNanoseconds: 10) == 1)
        #expect(try reader.quarantined(id: 1)?.replayedAtNanoseconds == nil)
        try put([again], log)
        #expect(try reader.quarantined(id: 1)?.tries == 2)
    }

    @Test func `of a batch only the entry with the refused element is replaced; one that is gone comes back`() throws {
        let (log, reader) = try open()
        try put(
            [
                Sample.quarantined("a", 1, elements: [0, 4], code: "x"),
                Sample.quarantined("a", 1, elements: [2], code: "y"),
            ],
            log)
        var again = Sample.quarantined("a", 1, elements: [2], code: "z")
        again.isReplay = true
        try put([again], log)
        let webhooks = try reader.quarantined(QuarantineQuery()).webhooks
        #expect(webhooks.map(\.code) == ["x", "z"])
        #expect(webhooks.map(\.tries) == [0, 1])
        #expect(try log.dropQuarantined([1, 2]) == 2)
        try put([again], log)
        #expect(try reader.quarantined(QuarantineQuery()).webhooks.map(\.tries) == [1])
    }

    private func use(_ source: String, _ log: any EventLog) throws -> QuarantineUse {
        var use = try #require(log.quarantineUse.first { $0.source == source })
        #expect((0...1).contains(use.fullness) && (use.fullness > 0) == (use.webhooks > 0))
        use.fullness = 0
        return use
    }

    @Test func `the oldest of a budget make room and no other budget is touched`() throws {
        settings.quarantinePerSource = 3
        let (log, reader) = try open()
        try put((1...2).map { Sample.quarantined("a", $0, isVerified: true) }, log)
        try put((3...9).map { Sample.quarantined("a", $0) } + [Sample.quarantined("b", 10)], log)
        #expect(try sequences(reader) == [1, 2, 7, 8, 9, 10])
        #expect(try use("a", log).displaced == 4)
        #expect(try use("a", log).webhooks == 5)
        #expect(try use("b", log).displaced == 0)
        // Sources that are not configured share one budget.
        try put((11...15).map { Sample.quarantined("stranger-\($0)", $0) }, log)
        #expect(try sequences(reader) == [1, 2, 7, 8, 9, 10, 13, 14, 15])
        #expect(try use("other", log) == QuarantineUse(source: "other", webhooks: 3, bytes: 3 * 523, displaced: 2))
    }

    @Test func `bytes are bounded with what a row costs, and the newest is always kept`() throws {
        settings.quarantineBytesPerSource = 4 * (1000 + 513)
        let (log, reader) = try open()
        try put((1...9).map { Sample.quarantined("a", $0, bytes: 1000) }, log)
        #expect(try sequences(reader) == [6, 7, 8, 9])
        #expect(try use("a", log).bytes == 4 * 1513)
        try put([Sample.quarantined("a", 10, bytes: 9000)], log)
        #expect(try sequences(reader) == [10])
        try put([Sample.quarantined("a", 11, bytes: 10)], log)
        #expect(try sequences(reader) == [11])
    }

    @Test func `the whole is bounded by giving every budget an equal part`() throws {
        // Two sources and the others, two budgets each.
        settings.quarantineTotalBytes = 6 * 2 * 1513
        let (log, reader) = try open()
        for isVerified in [false, true] {
            for source in ["a", "b", "c"] {
                try put((1...20).map { Sample.quarantined(source, $0, bytes: 1000, isVerified: isVerified) }, log)
            }
        }
        #expect(try sequences(reader).count == 12)
        #expect(log.quarantineUse.reduce(0) { $0 + $1.bytes } <= settings.quarantineTotalBytes)
        #expect(log.quarantineUse.map(\.webhooks) == [4, 4, 4])
    }

    @Test func `fifty thousand forgeries displace forgeries of their source and nothing else`() throws {
        settings.quarantinePerSource = 1000
        let (log, reader) = try open()
        try put((1...900).map { Sample.quarantined("b", $0) }, log)
        try put((1001...1900).map { Sample.quarantined("b", $0, isVerified: true) }, log)
        try put((2001...2900).map { Sample.quarantined("a", $0, isVerified: true) }, log)
        for part in 0..<50 as Range<UInt64> {
            try put((0..<1000).map { Sample.quarantined("a", 10_000 + part * 1000 + $0) }, log)
        }
        #expect(try use("a", log).webhooks == 1900)
        #expect(try use("a", log).displaced == 49_000)
        #expect(try use("b", log).displaced == 0)
        let b = try sequences(reader) {
            $0.filter.source = "b"; $0.limit = 5000
        }
        #expect(b == Array(1...900) + Array(1001...1900))
        let verified = try sequences(reader) {
            $0.filter.source = "a"; $0.filter.stage = "normaliser"
        }
        #expect(verified == Array(2001...2900))
    }

    @Test func `bounds hold after a restart, and smaller ones at once`() throws {
        settings.quarantinePerSource = 50
        do {
            let (log, _) = try open()
            try put((1...60).map { Sample.quarantined("a", $0) }, log)
        }
        do {
            let (log, reader) = try open()
            #expect(try use("a", log).webhooks == 50)
            try put([Sample.quarantined("a", 61)], log)
            #expect(try sequences(reader) == Array(12...61))
        }
        settings.quarantinePerSource = 5
        let (log, reader) = try open()
        #expect(try sequences(reader) == Array(57...61))
        #expect(try use("a", log).webhooks == 5)
    }

    @Test func `aged entries go in small steps`() throws {
        settings.quarantineAgeSeconds = 10
        let (log, reader) = try open()
        try put((1...25).map { Sample.quarantined("a", $0, quarantinedAt: Int64($0) * 1_000_000_000) }, log)
        var steps: [Int] = []
        repeat {
            steps.append(try log.dropAgedQuarantine(nowNanoseconds: 31_000_000_000, rows: 8))
        } while steps.last != 0
        #expect(steps == [8, 8, 4, 0])
        #expect(try sequences(reader) == Array(21...25))
        #expect(try use("a", log) == QuarantineUse(source: "a", webhooks: 5, bytes: 5 * 523))
    }

    @Test func `elements come back as they were`() throws {
        let (log, reader) = try open()
        let lists: [[UInt32]] = [[], [0], [0, 1, 2], [127, 128, 300, 70_000], Array(0..<1000), [.max - 1]]
        for (index, list) in lists.enumerated() {
            #expect(ElementList.decoded(ElementList.encoded(list)) == list)
            try put([Sample.quarantined("a", UInt64(index), elements: list)], log)
        }
        #expect(ElementList.encoded(Array(0..<1000)).count == 1000)
        #expect(ElementList.decoded([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]) == [])
        #expect(try reader.quarantined(QuarantineQuery()).webhooks.map(\.elements) == lists)
        let whole = try #require(try reader.quarantined(id: 4))
        #expect(whole.elements == lists[3] && whole.body.count == 10)
    }

    @Test func `each part of a filter chooses, and totals count what it chooses`() throws {
        let (log, reader) = try open()
        try put((1...3).map { Sample.quarantined("a", $0, receivedAt: Int64($0) * 10) }, log)
        try put((4...5).map { Sample.quarantined("b", $0, isVerified: true, receivedAt: Int64($0) * 10) }, log)
        #expect(try log.markReplayed(quarantineIDs: [1, 4, 99], tries: nil, atNanoseconds: 5) == 2)
        #expect(try reader.quarantined(id: 4)?.replayedAtNanoseconds == 5)
        #expect(try sequences(reader) { $0.filter.source = "b" } == [4, 5])
        #expect(try sequences(reader) { $0.filter.code = "signature_mismatch" } == [1, 2, 3])
        #expect(try sequences(reader) { $0.filter.stage = "normaliser" } == [4, 5])
        #expect(try sequences(reader) { ($0.filter.since, $0.filter.until) = (20, 40) } == [2, 3])
        #expect(try sequences(reader) { $0.filter.isReplayed = true } == [1, 4])
        #expect(try sequences(reader) { $0.filter.isReplayed = false } == [2, 3, 5])
        #expect(try sequences(reader) { $0.filter.through = 2 } == [1, 2])
        let totals = try reader.quarantineTotals(QuarantineFilter())
        #expect(totals.map(\.webhooks) == [3, 2] && totals.map(\.replayed) == [1, 1])
        #expect(totals[0].source == "a" && totals[0].code == "signature_mismatch" && totals[0].bytes == 3 * 523)
        #expect(totals[1].firstReceivedNanoseconds == 40 && totals[1].lastReceivedNanoseconds == 50)
        #expect(try log.dropQuarantined([1, 2, 99]) == 2)
        #expect(try sequences(reader) == [3, 4, 5])
        #expect(try use("a", log).webhooks == 1)
    }

    @Test func `pages are stable while entries come in`() throws {
        let (log, reader) = try open()
        try put((1...100).map { Sample.quarantined("a", $0) }, log)
        var query = QuarantineQuery()
        query.limit = 7
        query.rowLimit = 5
        query.filter.through = try reader.quarantined(query).newest
        var seen: [UInt64] = []
        var next: Int64?
        repeat {
            query.after = next
            let page = try reader.quarantined(query)
            seen += page.webhooks.map(\.sequence)
            next = page.next
            try put((0..<3).map { Sample.quarantined("a", 1000 + $0) }, log)
        } while next != nil
        #expect(seen == Array(1...100))
        query.isDescending = true
        query.after = nil
        query.filter = QuarantineFilter()
        query.filter.code = "signature_mismatch"
        #expect(try reader.quarantined(query).webhooks.map(\.sequence) == [1002, 1001, 1000, 1002, 1001])
    }

    @Test func `contents are read as far as asked for, at least one`() throws {
        let (log, reader) = try open()
        try put((1...6).map { Sample.quarantined("a", $0, bytes: 1000) }, log)
        var query = QuarantineQuery()
        query.contentBytes = 2500
        let page = try reader.quarantined(query)
        #expect(page.webhooks.map(\.body.count) == [1000, 1000] && page.next == 2)
        query.contentBytes = 1
        query.after = page.next
        #expect(try reader.quarantined(query).webhooks.map(\.sequence) == [3])
        query.contentBytes = 1 << 20
        #expect(try reader.quarantined(query).next == nil)
    }
}
