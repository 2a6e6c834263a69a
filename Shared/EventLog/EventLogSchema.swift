import GRDB

/// The tables of the event log, version 2.
///
/// `batch` is small and holds what start-up and searches read; the events themselves lie in `batch_events`, so that
/// neither walks over them.
enum EventLogSchema {
    static let version = 2

    /// Holds all that budgets and totals ask for, so that neither walks over the bodies.
    private static let quarantineBySource = """
        CREATE INDEX quarantine_by_source
        ON quarantine (source, verified, id, bytes, code, stage, received_at, replayed_at)
        """
    private static let quarantineByAge = "CREATE INDEX quarantine_by_age ON quarantine (quarantined_at)"

    /// From version 1, which knew one element per entry and had one budget for verified and forged webhooks. No row is
    /// written anew but those of stages behind the verifier, so it takes no time and no space to speak of. An old number
    /// of an element is read as a list of one; where it stood for several, the whole webhook is meant from now on, since
    /// a replay does no harm to elements that were accepted.
    private static let fromVersion1 = [
        "ALTER TABLE quarantine RENAME COLUMN element TO elements",
        "UPDATE quarantine SET elements = NULL WHERE elements IS NOT NULL AND detail LIKE '% more elements)'",
        "ALTER TABLE quarantine ADD COLUMN verified INTEGER NOT NULL DEFAULT 0",
        "UPDATE quarantine SET verified = 1 WHERE stage <> 'verifier'",
        "DROP INDEX quarantine_by_source",
        quarantineBySource,
        quarantineByAge,
    ]

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
            verified INTEGER NOT NULL, elements BLOB, detail TEXT NOT NULL, journal BLOB NOT NULL,
            sequence INTEGER NOT NULL, received_at INTEGER NOT NULL, quarantined_at INTEGER NOT NULL,
            replayed_at INTEGER, bytes INTEGER NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL)
        """,
        quarantineBySource,
        quarantineByAge,
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

    /// Makes the tables of a new file, or brings an old one to this version; part of one transaction.
    static func prepare(_ db: Database, logID: [UInt8]) throws {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        if found == version { return }
        if found == 1 {
            for statement in fromVersion1 { try db.execute(sql: statement) }
            try db.execute(sql: "PRAGMA user_version = \(version)")
            return
        }
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
