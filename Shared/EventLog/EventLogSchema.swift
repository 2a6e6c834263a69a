import GRDB

/// The tables of the event log, version 1.
///
/// `batch` is small and holds what start-up and searches read; the events themselves lie in `batch_events`, so that
/// neither walks over them.
enum EventLogSchema {
    static let version = 1

    static let statements = [
        """
        CREATE TABLE state (
            only INTEGER PRIMARY KEY CHECK (only = 1), log_id BLOB NOT NULL, next_position INTEGER NOT NULL,
            log_bytes INTEGER NOT NULL)
        """,
        """
        CREATE TABLE batch (
            first INTEGER PRIMARY KEY, count INTEGER NOT NULL, earliest INTEGER NOT NULL, latest INTEGER NOT NULL,
            taken_at INTEGER NOT NULL, appended_at INTEGER NOT NULL, bytes INTEGER NOT NULL, hashes BLOB NOT NULL,
            summary BLOB NOT NULL)
        """,
        "CREATE TABLE batch_events (first INTEGER PRIMARY KEY, events BLOB NOT NULL)",
        "CREATE TABLE watermark (journal BLOB PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID",
        """
        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, code TEXT NOT NULL, stage TEXT NOT NULL,
            element INTEGER, detail TEXT NOT NULL, journal BLOB NOT NULL, sequence INTEGER NOT NULL,
            received_at INTEGER NOT NULL, quarantined_at INTEGER NOT NULL, replayed_at INTEGER,
            bytes INTEGER NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL)
        """,
        "CREATE INDEX quarantine_by_source ON quarantine (source, id, bytes)",
        """
        CREATE TABLE lane (
            subscription TEXT PRIMARY KEY, taken INTEGER NOT NULL, unfinished BLOB NOT NULL, disabled TEXT)
            WITHOUT ROWID
        """,
        """
        CREATE TABLE exception (
            subscription TEXT NOT NULL, position INTEGER NOT NULL, last INTEGER NOT NULL, state TEXT NOT NULL,
            attempts INTEGER NOT NULL, first_attempt INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL,
            PRIMARY KEY (subscription, position)) WITHOUT ROWID
        """,
        """
        CREATE TABLE attempt (
            id INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, position INTEGER NOT NULL,
            number INTEGER NOT NULL, started INTEGER NOT NULL, duration INTEGER NOT NULL, outcome TEXT NOT NULL,
            status INTEGER, detail TEXT NOT NULL)
        """,
        "CREATE INDEX attempt_by_position ON attempt (position)",
        "CREATE INDEX attempt_by_subscription ON attempt (subscription, id)",
    ]

    /// Makes the tables of a new file, or checks the version of an old one.
    static func prepare(_ db: Database, logID: [UInt8]) throws {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        if found == version { return }
        guard found == 0, try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0 else {
            throw EventLogError(
                .notThisLog,
                "The event log has version \(found), this program reads \(version): start the version that wrote it.")
        }
        for statement in statements { try db.execute(sql: statement) }
        try db.execute(
            sql: "INSERT INTO state VALUES (1, ?, 1, 0)", arguments: [Blob.of(logID)])
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }
}
