import EventLog
import LogSamples
import Wire

/// A log in a folder of its own, with what tests do to it.
final class LogFixture {
    let folder: TemporaryFolder
    var settings: EventLogSettings
    private(set) var log: any EventLog
    private(set) var reader: EventLogReader
    private var sequence: UInt64 = 0

    init(_ change: (inout EventLogSettings) -> Void = { _ in }) throws {
        folder = try TemporaryFolder()
        settings = EventLogSettings(path: folder.file)
        change(&settings)
        log = try SegmentEventLog(settings: settings)
        reader = try log.makeReader()
    }

    /// What a new process finds.
    func reopen() throws {
        // One at a time holds the log.
        let place = try TemporaryFolder()
        (log, reader) = (try SegmentEventLog(settings: EventLogSettings(path: place.file)), reader)
        log = try SegmentEventLog(settings: settings)
        reader = try log.makeReader()
    }

    /// Appends events, one commit and one row.
    func append(
        _ count: Int, type: String = "participant.joined", subject: String = "calls/1", source: String = "stream",
        receivedAt: Int64 = 1_790_000_000_000_000_000, key: String? = nil, provider: String? = nil
    ) throws {
        var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 7)
        var attributes: [(name: StaticString, value: String)] = []
        if let key { attributes.append(("partitionkey", key)) }
        if let provider { attributes.append(("provider", provider)) }
        for _ in 0..<count {
            sequence += 1
            _ = try Sample.admit(
                Sample.envelope(
                    source: source, sequence: sequence, ids: ["id-\(sequence)"], type: "dev.tributary.\(type)",
                    subject: subject, receivedAt: receivedAt, attributes: attributes), log, &transaction)
        }
        _ = try log.commit(transaction)
    }

    /// Saves what a lane came to.
    func save(
        _ subscription: String, taken: UInt64, unfinished: [UInt64] = [], changes: [DeliveryChange] = [],
        attempts: [AttemptRecord] = [], isPaused: Bool = false
    ) throws {
        var progress = LaneProgress(
            subscription: subscription, taken: taken, unfinished: unfinished, isPaused: isPaused)
        progress.changes = changes
        progress.attempts = attempts
        var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 7)
        transaction.progress = [progress]
        _ = try log.commit(transaction)
    }

    static func dead(_ position: UInt64, _ reason: String = "status 500", at: Int64 = 30) -> DeliveryChange {
        .dead(DeadLetter(first: position, last: position, reason: reason, attempts: 8, diedAtNanoseconds: at))
    }

    static func attempt(
        _ position: UInt64, _ number: Int = 1, outcome: String = "status", at: Int64 = 1, answer: [UInt8] = []
    ) -> AttemptRecord {
        AttemptRecord(
            position: position, number: number, startedNanoseconds: at, durationNanoseconds: 2, outcome: outcome,
            status: 500, detail: "", answer: answer)
    }

    /// All dead letters, read in pages of `limit`.
    func deadLetters(limit: Int = 1000, _ change: (inout DeadLetterQuery) -> Void = { _ in }) throws -> [String] {
        var query = DeadLetterQuery()
        query.limit = limit
        change(&query)
        var found: [String] = []
        while true {
            let page = try reader.deadLetters(query)
            found += page.letters.map { "\($0.subscription) \($0.letter.first)" }
            guard let next = page.next else { return found }
            query.after = next
        }
    }

    /// The positions that match, read in pages of `limit`.
    func search(limit: Int = 1000, _ change: (inout EventQuery) -> Void = { _ in }) throws -> [UInt64] {
        var query = EventQuery()
        query.limit = limit
        change(&query)
        var found: [UInt64] = []
        while true {
            let page = try reader.search(query)
            found += page.matches.map(\.position)
            guard let next = page.next else { return found }
            query.after = next
        }
    }

    /// The numbers of the attempts, newest first, read in pages of `limit`.
    func attempts(limit: Int = 1000, _ change: (inout AttemptQuery) -> Void = { _ in }) throws -> [Int] {
        var query = AttemptQuery()
        query.limit = limit
        change(&query)
        var found: [Int] = []
        while true {
            let page = try reader.attempts(query)
            found += page.attempts.map(\.attempt.number)
            guard let next = page.next else { return found }
            query.before = next
        }
    }
}
