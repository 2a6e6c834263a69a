import GRDB

/// The table `replay` and the queued rows of the table `exception`.
enum ReplayTables {
    private static let columns = """
        id, subscription, selection, per_second, state, queued, skipped, position, last, created, finished,
        (SELECT count(*) FROM exception e WHERE e.replay = r.id) AS waiting
        """

    static func insert(_ job: ReplayJob, keeping ended: Int, _ db: Database) throws -> Int64 {
        try db.execute(
            sql: """
                INSERT INTO replay (subscription, selection, per_second, state, queued, skipped, position, last,
                    created, finished) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                job.subscription, job.selection, job.perSecond, job.state.rawValue, job.queued, job.skipped,
                Int64(bitPattern: job.position), Int64(bitPattern: job.last), job.createdAtNanoseconds,
                job.finishedAtNanoseconds,
            ])
        let id = db.lastInsertedRowID
        try db.execute(
            sql: """
                DELETE FROM replay WHERE state <> 'running' AND id <= (
                    SELECT id FROM replay WHERE state <> 'running' ORDER BY id DESC LIMIT 1 OFFSET ?)
                """, arguments: [ended])
        return id
    }

    /// Writes how far a running job has come.
    static func update(_ job: ReplayJob, queued: Int, skipped: Int, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                UPDATE replay SET state = ?, queued = queued + ?, skipped = skipped + ?, position = ?, last = ?,
                    finished = ? WHERE id = ? AND state = 'running'
                """
        ).execute(arguments: [
            job.state.rawValue, queued, skipped, Int64(bitPattern: job.position), Int64(bitPattern: job.last),
            job.finishedAtNanoseconds, job.id,
        ])
    }

    static func running(_ db: Database) throws -> [ReplayJob] {
        try Row.fetchAll(db, sql: "SELECT \(columns) FROM replay r WHERE state = 'running' ORDER BY id").map(
            ReplayJob.init)
    }

    static func isRunning(_ id: Int64, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT state = 'running' FROM replay WHERE id = ?"), arguments: [id]) ?? false
    }

    /// Queues positions for a job; what waits or is under way already is left out. Returns how many were queued and how
    /// many of them were dead letters.
    static func queue(
        _ positions: [UInt64], for job: ReplayJob, _ db: Database
    ) throws -> (queued: Int, deadLetters: Int) {
        let subscription = job.subscription
        guard let progress = try LaneTables.progress(subscription, db),
            var ticket = try Int64.fetchOne(db, sql: "SELECT next_ticket FROM state")
        else { return (0, 0) }
        let first = ticket
        var deadLetters = 0
        let unfinished = Set(progress.unfinished)
        let revival = try db.cachedStatement(
            sql: """
                UPDATE exception SET state = 'queued', first_attempt = at, at = ?, replay = ?
                WHERE subscription = ? AND position = ? AND last = position AND state = 'dead'
                """)
        let insertion = try db.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO exception VALUES (?1, ?2, ?2, 'queued', 0, 0, ?3, '', ?4, NULL)
                """)
        for position in positions where position <= progress.taken && !unfinished.contains(position) {
            let stored = Int64(bitPattern: position)
            try revival.execute(arguments: [ticket, job.id, subscription, stored])
            deadLetters += db.changesCount
            if db.changesCount == 0 { try insertion.execute(arguments: [subscription, stored, ticket, job.id]) }
            ticket += Int64(db.changesCount)
        }
        if ticket > first { try db.execute(sql: "UPDATE state SET next_ticket = ?", arguments: [ticket]) }
        return (Int(ticket - first), deadLetters)
    }

    static func cancel(_ id: Int64, atNanoseconds: Int64, _ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE replay SET state = 'cancelled', finished = ?1 WHERE id = ?2 AND (state = 'running'
                    OR EXISTS (SELECT 1 FROM exception WHERE replay = ?2 AND state = 'queued'))
                """, arguments: [atNanoseconds, id])
    }

    /// Takes deliveries of a job out of the queue: what was a dead letter becomes one again. Returns how many and how
    /// many of them.
    static func unqueue(_ id: Int64, rows: Int, _ db: Database) throws -> (rows: Int, deadLetters: Int) {
        let queued = try Row.fetchAll(
            db,
            sql: "SELECT subscription, position, reason FROM exception WHERE replay = ? AND state = 'queued' LIMIT ?",
            arguments: [id, rows])
        let burial = try db.cachedStatement(
            sql: """
                UPDATE exception SET state = 'dead', at = first_attempt, first_attempt = 0, replay = NULL
                WHERE subscription = ? AND position = ?
                """)
        let removal = try db.cachedStatement(sql: "DELETE FROM exception WHERE subscription = ? AND position = ?")
        var deadLetters = 0
        for row in queued {
            let name: StatementArguments = [row[0] as String, row[1] as Int64]
            if (row[2] as String).isEmpty {
                try removal.execute(arguments: name)
            } else {
                try burial.execute(arguments: name)
                deadLetters += 1
            }
        }
        return (queued.count, deadLetters)
    }

    /// A job that finished stays until its last delivery has ended.
    static func drop(_ id: Int64, _ db: Database) throws -> Bool {
        try db.execute(
            sql: """
                DELETE FROM replay WHERE id = ?1 AND (state = 'cancelled'
                    OR state = 'finished' AND NOT EXISTS (SELECT 1 FROM exception WHERE replay = ?1))
                """, arguments: [id])
        return db.changesCount == 1
    }

    static func queued(of subscription: String, at position: UInt64, _ db: Database) throws -> QueuedReplay? {
        try Row.fetchOne(
            db,
            sql: "SELECT at, replay FROM exception WHERE subscription = ? AND position = ? AND state = 'queued'",
            arguments: [subscription, Int64(bitPattern: position)]
        ).map { QueuedReplay(position: position, ticket: $0[0], job: $0[1] ?? 0) }
    }

    /// The positions that are queued.
    static func queued(of subscription: String, _ db: Database) throws -> [UInt64] {
        try Int64.fetchAll(
            db, sql: "SELECT position FROM exception WHERE subscription = ? AND state = 'queued'",
            arguments: [subscription]
        ).map { UInt64(bitPattern: $0) }
    }

    static func queued(of subscription: String, after ticket: Int64, limit: Int, _ db: Database) throws
        -> [QueuedReplay]
    {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT position, at, replay FROM exception
                    WHERE subscription = ? AND state = 'queued' AND at > ? ORDER BY at LIMIT ?
                    """), arguments: [subscription, ticket, limit]
        ).map { QueuedReplay(position: UInt64(bitPattern: $0[0] as Int64), ticket: $0[1], job: $0[2]) }
    }

    static func queuedCount(of subscription: String, _ db: Database) throws -> Int {
        try Int.fetchOne(
            db.cachedStatement(sql: "SELECT count(*) FROM exception WHERE subscription = ? AND state = 'queued'"),
            arguments: [subscription]) ?? 0
    }

    static func one(_ id: Int64, _ db: Database) throws -> ReplayJob? {
        try Row.fetchOne(db, sql: "SELECT \(columns) FROM replay r WHERE id = ?", arguments: [id]).map(ReplayJob.init)
    }

    static func page(_ subscription: String?, before: Int64?, limit: Int, _ db: Database) throws -> [ReplayJob] {
        var condition = Condition()
        condition.add("subscription = ?", subscription)
        condition.add("id < ?", before)
        return try Row.fetchAll(
            db, sql: "SELECT \(columns) FROM replay r \(condition.sql) ORDER BY id DESC LIMIT ?",
            arguments: condition.arguments + [limit]
        ).map(ReplayJob.init)
    }
}

extension ReplayJob {
    /// Reads the columns of `ReplayTables`.
    fileprivate init(row: Row) {
        self.init(
            subscription: row[1], selection: row[2], perSecond: row[3],
            position: UInt64(bitPattern: row[7] as Int64), last: UInt64(bitPattern: row[8] as Int64),
            createdAtNanoseconds: row[9])
        id = row[0]
        state = State(rawValue: row[4]) ?? .cancelled
        queued = row[5]
        skipped = row[6]
        finishedAtNanoseconds = row[10]
        waiting = row[11]
    }
}
