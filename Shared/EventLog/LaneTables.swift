import GRDB

/// How cursors, exceptions and attempts lie in SQLite.
enum LaneTables {
    /// The states of the `exception` table.
    enum State: String {
        /// `at` is when the next attempt is due.
        case retrying
        /// `at` is when it was given up.
        case dead
        /// A dead letter that an operator wants sent again and that its lane has not taken up yet.
        case queued
    }

    static func save(_ progress: LaneProgress, _ settings: EventLogSettings, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO lane VALUES (?, ?, ?, ?)").execute(arguments: [
            progress.subscription, Int64(bitPattern: progress.taken), Blob.of(progress.unfinished),
            progress.disabledReason,
        ])
        for change in progress.changes { try save(change, of: progress.subscription, db) }
        guard !progress.attempts.isEmpty else { return }
        for attempt in progress.attempts {
            try db.cachedStatement(
                sql: """
                    INSERT INTO attempt (subscription, position, number, started, duration, outcome, status, detail)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                progress.subscription, Int64(bitPattern: attempt.position), attempt.number,
                attempt.startedNanoseconds, attempt.durationNanoseconds, attempt.outcome, attempt.status,
                attempt.detail,
            ])
        }
        try db.cachedStatement(
            sql: """
                DELETE FROM attempt WHERE subscription = ?1 AND id <= (SELECT id FROM attempt WHERE subscription = ?1
                    ORDER BY id DESC LIMIT 1 OFFSET ?2)
                """
        ).execute(arguments: [progress.subscription, settings.attemptsPerSubscription])
    }

    private static func save(_ change: DeliveryChange, of subscription: String, _ db: Database) throws {
        let insertion = "INSERT OR REPLACE INTO exception VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        switch change {
        case .cleared(let position):
            try db.cachedStatement(sql: "DELETE FROM exception WHERE subscription = ? AND position = ?")
                .execute(arguments: [subscription, Int64(bitPattern: position)])
        case .retrying(let delivery):
            let position = Int64(bitPattern: delivery.position)
            try db.cachedStatement(sql: insertion).execute(arguments: [
                subscription, position, Int64(bitPattern: delivery.last), State.retrying.rawValue, delivery.attempts,
                delivery.firstAttemptNanoseconds, delivery.dueNanoseconds, "",
            ])
        case .dead(let letter):
            try db.cachedStatement(sql: insertion).execute(arguments: [
                subscription, Int64(bitPattern: letter.first), Int64(bitPattern: letter.last), State.dead.rawValue,
                letter.attempts, 0, letter.diedAtNanoseconds, letter.reason,
            ])
        }
    }

    /// The saved state; makes the cursor of a subscription that was never seen.
    static func load(_ subscription: String, startingAfter position: UInt64, _ db: Database) throws -> SavedLane {
        let found = try Row.fetchOne(
            db, sql: "SELECT taken, unfinished, disabled FROM lane WHERE subscription = ?", arguments: [subscription])
        guard let found else {
            let progress = LaneProgress(subscription: subscription, taken: position)
            try db.execute(
                sql: "INSERT INTO lane VALUES (?, ?, ?, NULL)",
                arguments: [subscription, Int64(bitPattern: position), Blob.of([UInt64]())])
            return SavedLane(progress: progress, retrying: [], hasReplays: false)
        }
        let progress = LaneProgress(
            subscription: subscription, taken: UInt64(bitPattern: found[0] as Int64),
            unfinished: Blob.values(found[1]), disabledReason: found[2])
        let retrying = try Row.fetchAll(
            db,
            sql: """
                SELECT position, last, attempts, first_attempt, at FROM exception
                WHERE subscription = ? AND state = 'retrying' ORDER BY position
                """, arguments: [subscription]
        ).map { row in
            RetryingDelivery(
                position: UInt64(bitPattern: row[0] as Int64), last: UInt64(bitPattern: row[1] as Int64),
                attempts: row[2], firstAttemptNanoseconds: row[3], dueNanoseconds: row[4])
        }
        let queued = try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM exception WHERE subscription = ? AND state = 'queued')",
            arguments: [subscription])
        return SavedLane(progress: progress, retrying: retrying, hasReplays: queued ?? false)
    }

    static func queueReplay(_ subscription: String, _ positions: [UInt64]?, _ db: Database) throws -> Int {
        let update = """
            UPDATE exception SET state = 'queued' WHERE subscription = ? AND state = 'dead' AND position = last
                AND reason <> 'expired'
            """
        guard let positions else {
            try db.execute(sql: update, arguments: [subscription])
            return db.changesCount
        }
        var count = 0
        for position in positions {
            try db.execute(sql: update + " AND position = ?", arguments: [subscription, Int64(bitPattern: position)])
            count += db.changesCount
        }
        return count
    }
}
