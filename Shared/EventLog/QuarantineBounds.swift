import GRDB

/// Keeps the quarantine of every source within its count and bytes; the oldest webhooks go first.
struct QuarantineBounds {
    private struct Held {
        var count = 0
        var bytes: Int64 = 0
    }

    private let limit: Int
    private let limitBytes: Int64
    private var held: [String: Held] = [:]

    init(_ db: Database, settings: EventLogSettings) throws {
        limit = max(1, settings.quarantinePerSource)
        limitBytes = settings.quarantineBytesPerSource
        let rows = try Row.fetchAll(db, sql: "SELECT source, count(*), sum(bytes) FROM quarantine GROUP BY source")
        for row in rows { held[row[0]] = Held(count: row[1], bytes: row[2]) }
    }

    /// Inserts `webhooks` and drops what they displace. Of the newest webhook of a source, at least one is kept.
    mutating func insert(_ webhooks: [QuarantinedWebhook], _ db: Database) throws {
        for webhook in webhooks {
            let bytes = webhook.head.count + webhook.body.count
            try db.cachedStatement(sql: Self.insertion).execute(arguments: [
                webhook.source, webhook.code, webhook.stage, webhook.element.map { Int64($0) }, webhook.detail,
                Blob.of(webhook.journal), Int64(bitPattern: webhook.sequence), webhook.receivedAtNanoseconds,
                webhook.quarantinedAtNanoseconds, bytes, Blob.of(webhook.head), Blob.of(webhook.body),
            ])
            held[webhook.source, default: Held()].count += 1
            held[webhook.source, default: Held()].bytes += Int64(bytes)
            try shrink(webhook.source, db)
        }
    }

    private mutating func shrink(_ source: String, _ db: Database) throws {
        guard var now = held[source] else { return }
        while now.count > limit || (now.bytes > limitBytes && now.count > 1) {
            let oldest = try db.cachedStatement(
                sql: "SELECT id, bytes FROM quarantine WHERE source = ? ORDER BY id LIMIT 1")
            guard let row = try Row.fetchOne(oldest, arguments: [source]) else { break }
            try db.cachedStatement(sql: "DELETE FROM quarantine WHERE id = ?").execute(arguments: [row[0] as Int64])
            now.count -= 1
            now.bytes -= row[1]
        }
        held[source] = now
    }

    private static let insertion = """
        INSERT INTO quarantine (source, code, stage, element, detail, journal, sequence, received_at, quarantined_at,
            bytes, head, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
}
