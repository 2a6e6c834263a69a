import CommitLog
import Executable
import Foundation
import GRDB
import Glibc
import Testing
import Wire

@testable import Journal
@testable import JournalTakeOver

/// What a version before the commit log left: a SQLite file.
private struct FormerJournal {
    let id = JournalID(high: 7, low: 8)
    let folder = TemporaryFolder()
    var path: String { folder.path + "/journal.db" }

    func make(batches: [[String]], first: UInt64, watermark: UInt64) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL;
                    PRAGMA application_id = \(0x5452_4A4C);
                    PRAGMA user_version = 1;
                    CREATE TABLE identity (
                        one INTEGER PRIMARY KEY CHECK (one = 1),
                        journal TEXT NOT NULL, next INTEGER NOT NULL, watermark INTEGER NOT NULL);
                    CREATE TABLE batches (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, frame BLOB NOT NULL);
                    """)
            var next = first
            for bodies in batches {
                var sealed = batch(bodies)
                sealed.seal(journal: id, first: next)
                try db.execute(
                    sql: "INSERT INTO batches VALUES (?, ?, ?)",
                    arguments: [Int64(next), bodies.count, sealed.withBytes { Data(Array($0)) }])
                next = sealed.end
            }
            try db.execute(
                sql: "INSERT INTO identity VALUES (1, ?, ?, ?)",
                arguments: [id.description, Int64(next), Int64(watermark)])
        }
        try queue.close()
    }

    /// What a version that knows format 1 alone would look at.
    func version() throws -> Int? {
        try DatabaseQueue(path: path).inDatabase { try Int.fetchOne($0, sql: "PRAGMA user_version") }
    }

    func open() throws -> Journal { try Journal(path: folder.path, options(), takeOver: SQLiteJournal.takeOver) }
}

@Suite struct TakeOverTests {
    private let former = FormerJournal()

    @Test func `a journal in SQLite is taken over under the same names, once, and says so`() throws {
        try former.make(batches: [["a", "b"], ["c"], ["d", "e", "f"]], first: 11, watermark: 12)
        var journal: Journal? = try former.open()
        #expect(journal?.notices == ["took 4 webhooks that were not settled over from \(former.path)"])
        #expect(journal?.id == former.id)
        #expect(journal?.nextSequence == 17)
        #expect(journal?.watermark == 12)
        let expected = zip(["c", "d", "e", "f"], 13...).map { Stored(journal: former.id, sequence: $1, body: $0) }
        #expect(try journal?.all(from: 13) == expected)
        _ = try journal?.append([batch(["g"])])
        journal = nil
        let again = try former.open()
        #expect(again.notices.isEmpty)
        #expect(try again.all(from: 13).map(\.body) == ["c", "d", "e", "f", "g"])
    }

    @Test func `a journal in SQLite in which all is settled goes on with its next number`() throws {
        try former.make(batches: [["a"]], first: 41, watermark: 41)
        let journal = try former.open()
        #expect(journal.nextSequence == 42 && journal.watermark == 41 && journal.id == former.id)
        #expect(try journal.append([batch(["b"])]).first?.first == 42)
    }

    @Test func `what was taken over is refused by the version before, and so is a folder that never knew it`() throws {
        try former.make(batches: [["a"]], first: 1, watermark: 0)
        _ = try former.open()
        #expect(try former.version() == 2)
        let fresh = FormerJournal()
        _ = try fresh.open()
        #expect(try fresh.version() == 2)
    }

    @Test func `taking over begins again where it was interrupted, and is not done again where it was whole`() throws {
        try former.make(batches: [["a", "b"], ["c"]], first: 1, watermark: 0)
        // Before its name was given: half a log.
        let half = former.folder.path + "/log.new"
        _ = try SegmentLog(half, options())
        var journal: Journal? = try former.open()
        #expect(try journal?.all().map(\.body) == ["a", "b", "c"])
        _ = try journal?.append([batch(["d"])])
        journal = nil
        #expect(access(half, F_OK) != 0)
        // Before its name was given: the whole of it.
        #expect(rename(former.folder.path + "/log", half) == 0)
        let again = try former.open()
        #expect(again.notices.isEmpty)
        #expect(try again.all().map(\.body) == ["a", "b", "c", "d"])
        #expect(try former.version() == 2)
    }

    @Test func `a journal in SQLite that is damaged is refused and left as it is`() throws {
        try former.make(batches: [["a"], ["b"], ["c"]], first: 1, watermark: 0)
        try DatabaseQueue(path: former.path).inDatabase { try $0.execute(sql: "DELETE FROM batches WHERE first = 2") }
        for _ in 0..<2 {
            let error = #expect(throws: LogError.self) { try former.open() }
            #expect(error?.code == .damaged)
        }
        #expect(try former.version() == 1)
        #expect(access(former.folder.path + "/log", F_OK) != 0)
    }

    @Test func `a second ingress is kept out, and a journal of a newer version is an error of the set-up`() throws {
        var journal: Journal? = try former.open()
        let held = #expect(throws: LogError.self) { try former.open() }
        #expect(held?.failure(of: "journal").status.rawValue == 75)
        #expect(journal?.nextSequence == 1)
        journal = nil
        try DatabaseQueue(path: former.path).inDatabase { try $0.execute(sql: "PRAGMA user_version = 3") }
        let newer = #expect(throws: LogError.self) { try former.open() }
        #expect(newer?.failure(of: "journal").status.rawValue == 78)
    }

    @Test func `a journal that was closed can be opened although a child process has its folder open still`() throws {
        var journal: Journal? = try former.open()
        // What a fork does until its exec: another descriptor of the same open file.
        let inherited = (0..<65_536).first { Self.target(of: $0).hasSuffix(former.folder.path) }.map { dup($0) } ?? -1
        defer { close(inherited) }
        #expect(inherited >= 0)
        #expect(journal?.nextSequence == 1)
        journal = nil
        #expect(try former.open().nextSequence == 1)
    }

    /// What a descriptor of this process leads to.
    private static func target(of descriptor: Int32) -> String {
        guard let path = realpath("/proc/self/fd/\(descriptor)", nil) else { return "" }
        defer { free(path) }
        return String(cString: path)
    }
}
