import GRDB

/// How cursors and exceptions lie in SQLite.
enum LaneTables {
    /// The states of the `exception` table.
    enum State: String {
        /// `at` is when the next attempt is due.
        case retrying
        /// `at` is when it was given up.
        case dead
        /// To be delivered again. `at` is the ticket; what was dead keeps its reason, its attempts and, in
        /// `first_attempt`, when it was given up. A row from the log has no reason.
        case queued
    }

    /// Saves what a lane came to; nothing for a subscription that was dropped meanwhile.
    static func save(_ progress: LaneProgress, _ bounds: inout LaneBounds, _ db: Database) throws {
        let subscription = progress.subscription
        try db.cachedStatement(
            sql: "UPDATE lane SET taken = ?, unfinished = ?, disabled = ?, paused = ? WHERE subscription = ?"
        ).execute(arguments: [
            Int64(bitPattern: progress.taken), Blob.of(progress.unfinished), progress.disabledReason,
            progress.isPaused, subscription,
        ])
        guard db.changesCount == 1 else { return }
        for change in progress.changes { try save(change, of: subscription, &bounds, db) }
        for attempt in progress.attempts { try AttemptTable.insert(attempt, of: subscription, db) }
        try bounds.prune(subscription, newAttempts: progress.attempts.count, db)
    }

    private static func save(
        _ change: DeliveryChange, of subscription: String, _ bounds: inout LaneBounds, _ db: Database
    ) throws {
        let insertion = "INSERT OR REPLACE INTO exception VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        switch change {
        case .cleared(let position):
            try bounds.willReplace(subscription, position, db)
            try db.cachedStatement(sql: "DELETE FROM exception WHERE subscription = ? AND position = ?")
                .execute(arguments: [subscription, Int64(bitPattern: position)])
        case .retrying(let delivery):
            try bounds.willReplace(subscription, delivery.position, db)
            try db.cachedStatement(sql: insertion).execute(arguments: [
                subscription, Int64(bitPattern: delivery.position), Int64(bitPattern: delivery.last),
                State.retrying.rawValue, delivery.attempts, delivery.firstAttemptNanoseconds,
                delivery.dueNanoseconds, "", delivery.replay, nil,
            ])
        case .dead(let letter):
            try bounds.willDie(subscription, db)
            try bounds.willReplace(subscription, letter.first, db)
            try db.cachedStatement(sql: insertion).execute(arguments: [
                subscription, Int64(bitPattern: letter.first), Int64(bitPattern: letter.last), State.dead.rawValue,
                letter.attempts, 0, letter.diedAtNanoseconds, letter.reason, nil, letter.cause,
            ])
        }
    }

    /// The saved state; makes the cursor of a subscription that was never seen.
    static func load(_ subscription: String, startingAfter position: UInt64, _ db: Database) throws -> SavedLane {
        if let saved = try saved(subscription, db) { return saved }
        try begin(subscription, after: position, db)
        return SavedLane(progress: LaneProgress(subscription: subscription, taken: position))
    }

    /// The saved state; nil for a subscription that was never seen.
    static func saved(_ subscription: String, _ db: Database) throws -> SavedLane? {
        guard var progress = try progress(subscription, db) else { return nil }
        let retrying = try Row.fetchAll(
            db,
            sql: """
                SELECT position, last, attempts, first_attempt, at, replay FROM exception
                WHERE subscription = ? AND state = 'retrying' ORDER BY position
                """, arguments: [subscription]
        ).map { row in
            RetryingDelivery(
                position: UInt64(bitPattern: row[0] as Int64), last: UInt64(bitPattern: row[1] as Int64),
                attempts: row[2], firstAttemptNanoseconds: row[3], dueNanoseconds: row[4], replay: row[5])
        }
        let queued = Set(try ReplayTables.queued(of: subscription, db))
        // A member of a batch that is retrying stays with it.
        progress.unfinished.removeAll { position in
            queued.contains(position) && !retrying.contains { $0.position <= position && position <= $0.last }
        }
        return SavedLane(progress: progress, retrying: retrying, hasReplays: !queued.isEmpty)
    }

    /// The positions that are neither delivered nor dead as the log knows it: each is under way, waits for an attempt,
    /// or is queued for replay.
    static func unfinished(_ subscription: String, _ db: Database) throws -> Set<UInt64> {
        let waiting = try Int64.fetchAll(
            db, sql: "SELECT position FROM exception WHERE subscription = ? AND state <> 'dead'",
            arguments: [subscription])
        return Set(try progress(subscription, db)?.unfinished ?? []).union(waiting.map { UInt64(bitPattern: $0) })
    }

    static func progress(_ subscription: String, _ db: Database) throws -> LaneProgress? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT taken, unfinished, disabled, paused FROM lane WHERE subscription = ?"),
            arguments: [subscription]
        ).map { row in
            LaneProgress(
                subscription: subscription, taken: UInt64(bitPattern: row[0] as Int64),
                unfinished: Blob.values(row[1]), disabledReason: row[2], isPaused: row[3])
        }
    }

    /// Makes a new cursor; what a former subscription of that name left goes.
    static func begin(_ subscription: String, after position: UInt64, _ db: Database) throws {
        _ = try SubscriptionTable.dropRemains(of: subscription, rows: .max, db)
        try db.execute(
            sql: "INSERT OR REPLACE INTO lane VALUES (?, ?, ?, NULL, 0)",
            arguments: [subscription, Int64(bitPattern: position), Blob.of([UInt64]())])
    }
}
