import GRDB
import Wire

/// The tables of the state, version 6.
///
/// `batch` is what start-up and searches read; the events themselves lie in the commit log, in the record `number`.
enum EventLogSchema {
    static let version = 6

    /// Holds all that budgets and totals ask for, so that neither walks over the bodies.
    private static let quarantineBySource = """
        CREATE INDEX quarantine_by_source
        ON quarantine (source, verified, id, bytes, code, stage, received_at, replayed_at)
        """
    /// Finds the entry that a replay came from.
    private static let quarantineByOrigin = "CREATE INDEX quarantine_by_origin ON quarantine (journal, sequence)"
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

    /// From version 2, which knew neither the API's subscriptions nor replay jobs. Dead letters that were queued for
    /// replay get their positions as tickets.
    private static let fromVersion2 =
        [
            "ALTER TABLE state ADD COLUMN next_ticket INTEGER NOT NULL DEFAULT 1",
            "UPDATE state SET next_ticket = next_position",
            "ALTER TABLE lane ADD COLUMN paused INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE exception ADD COLUMN replay INTEGER",
            "ALTER TABLE exception ADD COLUMN cause TEXT",
            "UPDATE exception SET cause = substr(reason, 1, instr(reason || ':', ':') - 1) WHERE state <> 'retrying'",
            "UPDATE exception SET first_attempt = at, at = position, replay = 0 WHERE state = 'queued'",
            "ALTER TABLE attempt ADD COLUMN answer BLOB",
            "ALTER TABLE attempt ADD COLUMN replay INTEGER",
        ] + addedInVersion3

    /// From version 3, which put what was refused again beside the entry that it came from.
    private static let fromVersion3 = [
        "ALTER TABLE quarantine ADD COLUMN tries INTEGER NOT NULL DEFAULT 0", quarantineByOrigin,
    ]

    /// From version 4, which knew no cursors of watchers.
    private static let addedInVersion5 = [
        """
        CREATE TABLE cursor (name TEXT PRIMARY KEY, position INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID
        """
    ]

    private static let lineage = "CREATE TABLE lineage (position INTEGER NOT NULL, log_id BLOB NOT NULL)"
    private static let absence = "CREATE TABLE absence (until INTEGER NOT NULL, nanoseconds INTEGER NOT NULL)"

    private static let batch = """
        CREATE TABLE batch (
            first INTEGER PRIMARY KEY, number INTEGER NOT NULL, count INTEGER NOT NULL, earliest INTEGER NOT NULL,
            latest INTEGER NOT NULL, taken_at INTEGER NOT NULL, appended_at INTEGER NOT NULL, bytes INTEGER NOT NULL,
            hashes BLOB NOT NULL, summary BLOB NOT NULL)
        """

    /// From version 5, whose events lay in `batch_events`: the tables alone. `EventLogOpening` moves the events.
    private static let fromVersion5 = [
        "ALTER TABLE batch RENAME TO batch_5", batch, lineage, absence,
        "ALTER TABLE state ADD COLUMN applied INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE state ADD COLUMN dedupe_key BLOB",
        "ALTER TABLE state ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0",
        "UPDATE state SET dedupe_key = randomblob(16)",
    ]

    /// `exception.at` of a queued row is its ticket.
    private static let addedInVersion3 = [
        "CREATE UNIQUE INDEX exception_queued ON exception (subscription, at) WHERE state = 'queued'",
        // All that totals ask for, in their order.
        """
        CREATE INDEX exception_dead ON exception (subscription, cause, position, last, at, state)
        WHERE state = 'dead'
        """,
        "CREATE INDEX exception_by_replay ON exception (replay) WHERE replay IS NOT NULL",
        """
        CREATE TABLE subscription (
            name TEXT PRIMARY KEY, document TEXT NOT NULL, secrets BLOB NOT NULL, revision INTEGER NOT NULL,
            created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID
        """,
        """
        CREATE TABLE replay (
            id INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, selection TEXT NOT NULL,
            per_second REAL, state TEXT NOT NULL, queued INTEGER NOT NULL, skipped INTEGER NOT NULL,
            position INTEGER NOT NULL,
            last INTEGER NOT NULL, created INTEGER NOT NULL, finished INTEGER)
        """,
        "CREATE INDEX replay_by_subscription ON replay (subscription, id)",
    ]

    static let statements =
        [
            """
            CREATE TABLE state (
                only INTEGER PRIMARY KEY CHECK (only = 1), log_id BLOB NOT NULL, next_position INTEGER NOT NULL,
                log_bytes INTEGER NOT NULL, next_ticket INTEGER NOT NULL, applied INTEGER NOT NULL, dedupe_key BLOB,
                seen_at INTEGER NOT NULL)
            """,
            batch, lineage, absence,
            "CREATE TABLE watermark (journal BLOB PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID",
            """
            CREATE TABLE quarantine (
                id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, code TEXT NOT NULL, stage TEXT NOT NULL,
                verified INTEGER NOT NULL, elements BLOB, detail TEXT NOT NULL, journal BLOB NOT NULL,
                sequence INTEGER NOT NULL, received_at INTEGER NOT NULL, quarantined_at INTEGER NOT NULL,
                replayed_at INTEGER, bytes INTEGER NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL,
                tries INTEGER NOT NULL DEFAULT 0)
            """,
            quarantineBySource,
            quarantineByOrigin,
            quarantineByAge,
            """
            CREATE TABLE lane (
                subscription TEXT PRIMARY KEY, taken INTEGER NOT NULL, unfinished BLOB NOT NULL, disabled TEXT,
                paused INTEGER NOT NULL) WITHOUT ROWID
            """,
            """
            CREATE TABLE exception (
                subscription TEXT NOT NULL, position INTEGER NOT NULL, last INTEGER NOT NULL, state TEXT NOT NULL,
                attempts INTEGER NOT NULL, first_attempt INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL,
                replay INTEGER, cause TEXT, PRIMARY KEY (subscription, position)) WITHOUT ROWID
            """,
            """
            CREATE TABLE attempt (
                id INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, position INTEGER NOT NULL,
                number INTEGER NOT NULL, started INTEGER NOT NULL, duration INTEGER NOT NULL, outcome TEXT NOT NULL,
                status INTEGER, detail TEXT NOT NULL, answer BLOB, replay INTEGER)
            """,
            "CREATE INDEX attempt_by_position ON attempt (position)",
            "CREATE INDEX attempt_by_subscription ON attempt (subscription, id)",
        ] + addedInVersion3 + addedInVersion5

    /// Makes the tables of a new file, or brings an old one to this version; part of one transaction.
    static func prepare(_ db: Database, logID: JournalID) throws {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        if found == version { return }
        if (1..<version).contains(found) {
            let steps = [fromVersion1, fromVersion2, fromVersion3, addedInVersion5, fromVersion5][(found - 1)...]
            for statement in steps.joined() { try db.execute(sql: statement) }
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
            sql: "INSERT INTO state VALUES (1, ?, 1, 0, 1, 0, randomblob(16), 0)", arguments: [Blob.of(logID)])
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }

    /// Whether there are events of a former version still to be moved.
    static func hasEvents(_ db: Database) throws -> Bool { try db.tableExists("batch_events") }
}
