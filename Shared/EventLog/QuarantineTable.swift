import Foundation
import GRDB
import Wire

/// The statements of the table `quarantine`.
enum QuarantineTable {
    /// What the accounting needs of an entry.
    struct Line {
        var id: Int64
        var source: String
        var isVerified: Bool
        var bytes: Int64
    }

    private static let columns = """
        id, source, code, stage, elements, detail, journal, sequence, received_at, quarantined_at, replayed_at, verified,
        tries
        """

    /// Returns how many bytes the entry counts.
    static func insert(_ webhook: QuarantinedWebhook, _ db: Database) throws -> Int64 {
        let elements = ElementList.encoded(webhook.elements)
        let bytes =
            webhook.head.count + webhook.body.count + webhook.detail.utf8.count + elements.count
            + QuarantinedWebhook.rowBytes
        try db.cachedStatement(
            sql: """
                INSERT INTO quarantine (id, source, code, stage, verified, elements, detail, journal, sequence,
                    received_at, quarantined_at, bytes, head, body, tries)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            webhook.id == 0 ? nil : webhook.id, webhook.source, webhook.code, webhook.stage, webhook.isVerified,
            elements.isEmpty ? nil : Blob.of(elements), webhook.detail, Blob.of(webhook.journal),
            Int64(bitPattern: webhook.sequence), webhook.receivedAtNanoseconds, webhook.quarantinedAtNanoseconds, bytes,
            Blob.of(webhook.head), Blob.of(webhook.body), webhook.tries,
        ])
        return Int64(bytes)
    }

    /// The entry that a replay came from, and how often it was refused again: the oldest of that webhook with one of its
    /// elements.
    static func origin(of replay: QuarantinedWebhook, _ db: Database) throws -> (line: Line, tries: Int)? {
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT id, source, verified, bytes, tries, elements FROM quarantine
                    WHERE journal = ? AND sequence = ? AND source = ? ORDER BY id
                    """),
            arguments: [Blob.of(replay.journal), Int64(bitPattern: replay.sequence), replay.source])
        while let row = try rows.next() {
            let elements = QuarantinedWebhook.elements(row[5])
            if elements.isEmpty || replay.elements.isEmpty || !Set(elements).isDisjoint(with: replay.elements) {
                return (Line(row: row), row[4])
            }
        }
        return nil
    }

    static func delete(_ id: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM quarantine WHERE id = ?").execute(arguments: [id])
    }

    /// The oldest entry of a budget.
    static func oldest(_ source: String, isVerified: Bool, _ db: Database) throws -> Line? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT id, bytes FROM quarantine WHERE source = ? AND verified = ? ORDER BY id LIMIT 1"),
            arguments: [source, isVerified]
        ).map { Line(id: $0[0], source: source, isVerified: isVerified, bytes: $0[1]) }
    }

    /// Entries that came into quarantine before a time, oldest first.
    static func aged(before nanoseconds: Int64, rows: Int, _ db: Database) throws -> [Line] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT id, source, verified, bytes FROM quarantine WHERE quarantined_at < ?
                    ORDER BY quarantined_at LIMIT ?
                    """), arguments: [nanoseconds, rows]
        ).map(Line.init)
    }

    static func line(_ id: Int64, _ db: Database) throws -> Line? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT id, source, verified, bytes FROM quarantine WHERE id = ?"), arguments: [id]
        ).map(Line.init)
    }

    static func totals(_ filter: QuarantineFilter, _ db: Database) throws -> [QuarantineTotal] {
        let condition = Condition(filter)
        return try Row.fetchAll(
            db,
            sql: """
                SELECT source, code, count(*), sum(bytes), count(replayed_at), min(received_at), max(received_at)
                FROM quarantine \(condition.sql) GROUP BY source, code ORDER BY source, code
                """, arguments: condition.arguments
        ).map {
            QuarantineTotal(
                source: $0[0], code: $0[1], webhooks: $0[2], bytes: $0[3], replayed: $0[4],
                firstReceivedNanoseconds: $0[5], lastReceivedNanoseconds: $0[6])
        }
    }

    static func one(_ id: Int64, _ db: Database) throws -> QuarantinedWebhook? {
        try Row.fetchOne(db, sql: "SELECT \(columns), head, body FROM quarantine WHERE id = ?", arguments: [id])
            .map { QuarantinedWebhook(row: $0, hasContent: true) }
    }

    static func page(_ query: QuarantineQuery, _ db: Database) throws -> QuarantinePage {
        var page = QuarantinePage()
        page.newest = try Int64.fetchOne(db, sql: "SELECT max(id) FROM quarantine") ?? 0
        let order = query.isDescending ? "DESC" : "ASC"
        let behind = query.isDescending ? "id < ?" : "id > ?"
        let start = query.after ?? (query.isDescending ? .max : .min)
        // Where the turn ends, so that a rare code does not make this walk over everything.
        let edge = try Int64.fetchOne(
            db, sql: "SELECT id FROM quarantine WHERE \(behind) ORDER BY id \(order) LIMIT 1 OFFSET ?",
            arguments: [start, query.rowLimit - 1])
        var condition = Condition(query.filter)
        condition.add(behind, start)
        if let edge { condition.add(query.isDescending ? "id >= ?" : "id <= ?", edge) }
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(columns)\(query.contentBytes == nil ? "" : ", head, body") FROM quarantine \(condition.sql)
                ORDER BY id \(order) LIMIT ?
                """, arguments: condition.arguments + [query.limit])
        var bytes = 0
        while let row = try rows.next() {
            let webhook = QuarantinedWebhook(row: row, hasContent: query.contentBytes != nil)
            bytes += webhook.head.count + webhook.body.count
            // One is given in any case, so that a large one does not stop everything behind it.
            if let most = query.contentBytes, bytes > most, let last = page.webhooks.last {
                page.next = last.id
                return page
            }
            page.webhooks.append(webhook)
        }
        page.next = page.webhooks.count == query.limit ? page.webhooks.last?.id : edge
        return page
    }
}

extension QuarantineTable.Line {
    /// Reads the columns id, source, verified, bytes.
    fileprivate init(row: Row) {
        self.init(id: row[0], source: row[1], isVerified: row[2], bytes: row[3])
    }
}

extension Condition {
    fileprivate init(_ filter: QuarantineFilter) {
        self.init()
        add("source = ?", filter.source)
        add("code = ?", filter.code)
        add("stage = ?", filter.stage)
        add("received_at >= ?", filter.since)
        add("received_at < ?", filter.until)
        add("id <= ?", filter.through)
        if let isReplayed = filter.isReplayed { add("replayed_at IS \(isReplayed ? "NOT " : "")NULL") }
    }
}

extension QuarantinedWebhook {
    /// Reads the columns of `QuarantineTable`, then head and body where they were asked for.
    fileprivate init(row: Row, hasContent: Bool) {
        self.init(
            source: row[1], code: row[2], stage: row[3], isVerified: row[11], elements: Self.elements(row[4]),
            detail: row[5], journal: Blob.journal(row[6] as Data) ?? JournalID(high: 0, low: 0),
            sequence: UInt64(bitPattern: row[7] as Int64), receivedAtNanoseconds: row[8],
            quarantinedAtNanoseconds: row[9], head: hasContent ? Blob.bytes(row[13] as Data) : [],
            body: hasContent ? Blob.bytes(row[14] as Data) : [])
        id = row[0]
        replayedAtNanoseconds = row[10]
        tries = row[12]
    }

    /// A list, or, in files that began with version 1, one index as a number.
    fileprivate static func elements(_ value: DatabaseValue) -> [UInt32] {
        switch value.storage {
        case .blob(let bytes): ElementList.decoded(Blob.bytes(bytes))
        case .int64(let index): [UInt32(truncatingIfNeeded: index)]
        default: []
        }
    }
}
