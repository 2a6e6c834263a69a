import LogSamples
import Testing
import Wire

@testable import EventLog

/// What every event log must do. Another engine runs the same suite with its own `open`.
@Suite final class EventLogContract {
    let folder: TemporaryFolder
    var settings: EventLogSettings

    init() throws {
        folder = try TemporaryFolder()
        settings = EventLogSettings(path: folder.file)
    }

    func open() throws -> (log: any EventLog, reader: EventLogReader) {
        let log = try SegmentEventLog(settings: settings)
        return (log, try log.makeReader())
    }

    func transaction() -> LogTransaction {
        LogTransaction(settings: settings, takenAtNanoseconds: 7)
    }

    @discardableResult
    func append(_ ids: [String], sequence: UInt64, _ log: any EventLog, source: String = "stream") throws -> Int {
        var transaction = transaction()
        let admitted = try Sample.admit(
            Sample.envelope(source: source, sequence: sequence, ids: ids), log, &transaction)
        _ = try log.commit(transaction)
        return admitted
    }

    @Test func `events get consecutive positions and are read back in order`() throws {
        let (log, reader) = try open()
        try append(["a", "b"], sequence: 1, log)
        try append(["c"], sequence: 2, log)
        #expect(log.nextPosition == 4)
        let chunk = try reader.batches(from: 1, maxBytes: 1 << 20)
        let ids = chunk.batches.flatMap { batch in
            (batch.first...batch.last).compactMap { position in
                batch.withRecord(at: position) { $0.attribute("id").map { String(decoding: $0, as: UTF8.self) } }
            }
        }
        #expect(ids == ["a", "b", "c"])
        #expect(try reader.batch(holding: 2)?.first == 1)
        #expect(try reader.batch(holding: 4) == nil)
        let record = try reader.batch(holding: 3)?.withRecord(at: 3) { record in
            (record.sequence, record.stamps.first?.instance, record.payload.map { Array($0) })
        }
        #expect(record?.0 == 2)
        #expect(record?.1 == "verifier-0")
        #expect(record?.2 == Array("{\"a\":1}".utf8))
    }

    @Test func `what a payload was translated from is kept beside it`() throws {
        let (log, reader) = try open()
        var transaction = transaction()
        let envelope = Sample.envelope(source: "fishjam", sequence: 1, ids: ["a"], original: [0x12, 0x00])
        _ = try Sample.admit(envelope, log, &transaction)
        _ = try log.commit(transaction)
        try append(["b"], sequence: 2, log)
        func original(at position: UInt64) throws -> (type: String, bytes: [UInt8])? {
            try reader.batch(holding: position)?.withRecord(at: position) { record in
                record.original.map { (String(decoding: $0.contentType, as: UTF8.self), Array($0.bytes)) }
            } ?? nil
        }
        #expect(try original(at: 1)?.type == "application/x-protobuf")
        #expect(try original(at: 1)?.bytes == [0x12, 0x00])
        #expect(try original(at: 2) == nil)
    }

    @Test func `a repeated id of one source is dropped, of another source it is kept`() throws {
        let (log, _) = try open()
        #expect(try append(["a"], sequence: 1, log) == 1)
        #expect(try append(["a"], sequence: 2, log) == 0)
        #expect(try append(["a"], sequence: 3, log, source: "other") == 1)
        #expect(try append(["b", "b"], sequence: 4, log) == 1)
        #expect(log.nextPosition == 4)
    }

    private func admit(
        _ ids: [String], signed: [UInt8], sequence: UInt64, _ log: any EventLog, source: String = "stream"
    ) throws -> Int {
        var transaction = transaction()
        let admitted = try Sample.admit(
            Sample.envelope(source: source, sequence: sequence, ids: ids, signedContent: signed), log, &transaction)
        _ = try log.commit(transaction)
        return admitted
    }

    @Test func `the same signed content under another id is dropped, also after a restart`() throws {
        let (code, other) = ([UInt8](repeating: 7, count: 32), [UInt8](repeating: 8, count: 32))
        do {
            let (log, _) = try open()
            #expect(try append(["plain"], sequence: 1, log) == 1)
            #expect(try admit(["a", "b"], signed: code, sequence: 2, log) == 2, "elements of one webhook are several")
            #expect(try admit(["c", "d"], signed: code, sequence: 3, log) == 0)
            #expect(try admit(["a", "b"], signed: other, sequence: 4, log) == 0, "the id alone counts too")
            #expect(try admit(["e"], signed: code, sequence: 5, log, source: "other") == 1)
            #expect(try admit(["f"], signed: other, sequence: 6, log) == 1)
        }
        let (log, _) = try open()
        #expect(log.nextPosition == 6)
        #expect(try admit(["g", "h"], signed: code, sequence: 7, log) == 0)
        #expect(try admit(["plain"], signed: [9], sequence: 8, log) == 0)
        #expect(try admit(["i"], signed: [9], sequence: 9, log) == 1)
    }

    @Test func `duplicates are known after a restart`() throws {
        do {
            let (log, _) = try open()
            for index in 1...50 { try append(["id-\(index)"], sequence: UInt64(index), log) }
        }
        let (log, _) = try open()
        for index in 1...50 { #expect(try append(["id-\(index)"], sequence: 100, log) == 0) }
        #expect(try append(["id-51"], sequence: 101, log) == 1)
    }

    @Test func `watermarks, identity and positions survive a restart`() throws {
        let id: JournalID
        do {
            let (log, _) = try open()
            id = log.lineage.current
            try append(["a"], sequence: 9, log)
        }
        let (log, _) = try open()
        #expect(log.lineage.current == id)
        #expect(log.nextPosition == 2)
        #expect(try log.watermarks() == [JournalID(high: 1, low: 2): 9])
    }

    @Test func `an emptied log does not begin at one again`() throws {
        settings.retentionSeconds = 0
        do {
            let (log, _) = try open()
            try append(["a", "b"], sequence: 1, log)
            #expect(try log.dropExpired(nowNanoseconds: .max, rows: 10) == 1)
            #expect(log.firstPosition == 3)
        }
        let (log, reader) = try open()
        #expect(log.nextPosition == 3)
        #expect(log.firstPosition == 3)
        #expect(try reader.batches(from: 1, maxBytes: 1000).firstPosition == 3)
        // What is gone cannot be a duplicate.
        #expect(try append(["a"], sequence: 2, log) == 1)
    }

    @Test func `retention by size drops the oldest rows only`() throws {
        settings.retentionBytes = 60_000
        let (log, _) = try open()
        for index in 1...40 { try append(["id-\(index)"], sequence: UInt64(index), log) }
        while try log.dropExpired(nowNanoseconds: 0, rows: 3) > 0 {}
        #expect(log.firstPosition > 20)
        #expect(log.firstPosition < 41)
    }

    @Test func `a lane begins behind the newest event and finds its state again`() throws {
        let (log, reader) = try open()
        try append(["a", "b"], sequence: 1, log)
        #expect(try log.lane("app").progress.taken == 2)
        var progress = LaneProgress(subscription: "app", taken: 9, unfinished: [3, 5, 7], disabledReason: "410")
        let retry = RetryingDelivery(position: 5, attempts: 2, firstAttemptNanoseconds: 10, dueNanoseconds: 20)
        let letter = DeadLetter(first: 4, last: 4, reason: "status 500", attempts: 8, diedAtNanoseconds: 30)
        progress.changes = [.retrying(retry), .dead(letter)]
        progress.attempts = [
            AttemptRecord(
                position: 5, number: 1, startedNanoseconds: 1, durationNanoseconds: 2, outcome: "status", status: 500,
                detail: "")
        ]
        var transaction = transaction()
        transaction.progress = [progress]
        _ = try log.commit(transaction)
        let saved = try log.lane("app")
        #expect(saved.progress.unfinished == [3, 5, 7])
        #expect(saved.progress.disabledReason == "410")
        #expect(saved.retrying == [retry])
        #expect(try reader.deadLetters(subscription: "app", limit: 9).map(\.letter) == [letter])
        #expect(try reader.attempts(position: 5).map(\.attempt) == progress.attempts)
        #expect(try log.queueReplay(subscription: "app", positions: [4]) == 1)
        #expect(try reader.queuedReplays(subscription: "app", after: 0, limit: 9).map(\.position) == [4])
        #expect(try log.lane("app").hasReplays)
        #expect(try reader.deadLetterCounts() == [:])
    }

    @Test func `attempts are bounded`() throws {
        settings.attemptsPerSubscription = 5
        let (log, reader) = try open()
        _ = try log.lane("app")
        for number in 1...20 {
            var progress = LaneProgress(subscription: "app", taken: 1)
            progress.attempts = [
                AttemptRecord(
                    position: 1, number: number, startedNanoseconds: 1, durationNanoseconds: 1, outcome: "status",
                    status: 500, detail: "")
            ]
            var transaction = transaction()
            transaction.progress = [progress]
            _ = try log.commit(transaction)
        }
        #expect(try reader.attempts(position: 1).map(\.attempt.number) == [16, 17, 18, 19, 20])
    }

    @Test func `a search finds by each criterion and goes on where it stopped`() throws {
        let (log, reader) = try open()
        for index in 1...30 { try append(["id-\(index)"], sequence: UInt64(index), log) }
        var query = EventQuery()
        query.id = "id-17"
        #expect(try reader.search(query).matches.map(\.position) == [17])
        query.source = "other"
        #expect(try reader.search(query).matches.isEmpty)
        var all = EventQuery()
        all.subject = "calls/default:1"
        all.limit = 12
        var positions: [UInt64] = []
        while true {
            let page = try reader.search(all)
            positions += page.matches.map(\.position)
            guard let next = page.next else { break }
            all.after = next
        }
        #expect(positions == Array(1...30))
        var none = EventQuery()
        none.type = "dev.tributary.room.created"
        #expect(try reader.search(none).matches.isEmpty)
        var slow = EventQuery()
        slow.id = "id-30"
        slow.rowLimit = 10
        #expect(try reader.search(slow).next == 10)
    }
}
