import GRDB

/// How old what bears a time stamp is. Time in which no process had the log counts for nothing: only the wall clock could
/// tell how long that was, and one that was set forward would make everything old at once.
struct LogAge {
    /// Times in which nobody had the log: when each was over, by the wall clock, and how long it had taken.
    private var absences: [(end: Int64, nanoseconds: Int64)] = []

    /// The time that may pass unnoticed, and between two notes of the time.
    static let noteNanoseconds: Int64 = 600_000_000_000
    private static let mostAbsences = 64

    /// Takes down how long nobody had the log until `now`.
    init(_ db: Database, now: Int64) throws {
        // A clock that was set forward then, and is right now.
        try db.execute(sql: "DELETE FROM absence WHERE until > ?", arguments: [now])
        let seen = try Int64.fetchOne(db, sql: "SELECT seen_at FROM state") ?? 0
        if seen > 0, now - seen > 2 * Self.noteNanoseconds {
            try db.execute(sql: "INSERT INTO absence VALUES (?, ?)", arguments: [now, now - seen])
            try db.execute(
                sql: "DELETE FROM absence WHERE rowid <= (SELECT max(rowid) FROM absence) - ?",
                arguments: [Self.mostAbsences])
        }
        try Self.note(now, db)
        absences = try Row.fetchAll(db, sql: "SELECT until, nanoseconds FROM absence ORDER BY rowid DESC")
            .map { ($0[0], $0[1]) }
    }

    static func note(_ now: Int64, _ db: Database) throws {
        try db.execute(sql: "UPDATE state SET seen_at = ?", arguments: [now])
    }

    /// The time stamp of what is that old at `now`.
    func stamp(seconds: Int64, at now: Int64) -> Int64 {
        var stamp = now - seconds * 1_000_000_000
        for absence in absences where stamp < absence.end { stamp -= absence.nanoseconds }
        return stamp
    }
}
