import GRDB
import Glibc
import Testing
import Wire

@testable import Journal

@Suite(.serialized) struct SQLiteJournalTests {
    private let folder = TemporaryFolder()

    private func open(budgetBytes: Int = 1 << 20) throws -> SQLiteJournal {
        try SQLiteJournal(path: folder.path, budgetBytes: budgetBytes)
    }

    @Test func `everything is there after a restart, and the numbers go on`() throws {
        var journal: SQLiteJournal? = try open()
        let id = journal?.id
        _ = try journal?.append([batch(["a", "b"])])
        journal?.settle(through: 1)
        _ = try journal?.append([batch(["c"])])
        journal = nil
        let reopened = try open()
        #expect(reopened.id == id)
        #expect(reopened.nextSequence == 4)
        #expect(reopened.watermark == 1)
        #expect(reopened.recoveryNotice == nil)
        #expect(try reopened.all(from: 2).map(\.body) == ["b", "c"])
    }

    @Test func `an emptied journal does not start again at 1`() throws {
        var journal: SQLiteJournal? = try open()
        _ = try journal?.append([batch(["a", "b"])])
        journal?.settle(through: 2)
        try journal?.tidy()
        journal = nil
        #expect(try open().nextSequence == 3)
    }

    @Test func `every commit is synced`() throws {
        let journal = try open()
        let facts = try journal.queue.inDatabase { db in
            try ["synchronous", "journal_mode", "locking_mode", "page_size"].map {
                try String.fetchOne(db, sql: "PRAGMA \($0)") ?? ""
            }
        }
        #expect(facts == ["2", "wal", "exclusive", "4096"])
    }

    @Test func `a second ingress is kept out`() throws {
        let journal = try open()
        let error = #expect(throws: JournalError.self) { try open() }
        #expect(error?.code == .locked)
        #expect(journal.nextSequence == 1)
    }

    @Test func `a journal that was closed can be opened although a child process has its folder open still`() throws {
        var journal: SQLiteJournal? = try open()
        // What a fork does until its exec: another descriptor of the same open file.
        let inherited = (0..<65_536).first { Self.target(of: $0).hasSuffix(folder.path) }.map { dup($0) } ?? -1
        defer { close(inherited) }
        #expect(inherited >= 0)
        #expect(journal?.nextSequence == 1)
        journal = nil
        #expect(try open().nextSequence == 1)
    }

    /// What a descriptor of this process leads to.
    private static func target(of descriptor: Int32) -> String {
        guard let path = realpath("/proc/self/fd/\(descriptor)", nil) else { return "" }
        defer { free(path) }
        return String(cString: path)
    }

    @Test func `a full disk refuses, uses up nothing, and is over when there is space`() throws {
        let journal = try open(budgetBytes: 1 << 30)
        _ = try journal.append([batch(["a"])])
        let pages = try journal.queue.inDatabase { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 }
        try journal.queue.inDatabase { try $0.execute(sql: "PRAGMA max_page_count = \(pages + 2)") }
        let large = String(repeating: "x", count: 100_000)
        for _ in 0..<3 {
            let error = #expect(throws: JournalError.self) { try journal.append([batch(["b"]), batch([large])]) }
            #expect(error?.code == .full)
            #expect(journal.nextSequence == 2)
        }
        #expect(try journal.all().map(\.body) == ["a"])
        try journal.queue.inDatabase { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        #expect(try journal.append([batch([large])]).first?.first == 2)
    }

    @Test func `a failed write fails the journal for good`() throws {
        let journal = try open()
        _ = try journal.append([batch(["a"])])
        try journal.queue.inDatabase { try $0.execute(sql: "ALTER TABLE batches RENAME TO elsewhere") }
        for _ in 0..<2 {
            let error = #expect(throws: JournalError.self) { try journal.append([batch(["b"])]) }
            #expect(error?.code == .failed)
        }
        try journal.queue.inDatabase { try $0.execute(sql: "ALTER TABLE elsewhere RENAME TO batches") }
        #expect(throws: JournalError.self) { try journal.append([batch(["b"])]) }
    }

    @Test(arguments: [0, 40, 1000, 4096 + 50])
    func `a damaged database is refused and left as it is`(_ offset: Int) throws {
        var journal: SQLiteJournal? = try open()
        for _ in 0..<5 { _ = try journal?.append([batch(["a"])]) }
        journal = nil
        let path = folder.path + "/journal.db"
        var bytes = contents(of: path)
        for index in offset..<min(offset + 60, bytes.count) { bytes[index] ^= 0x5A }
        write(bytes[...], to: path)
        let opened = Result { try open() }
        if case .failure(let error) = opened {
            #expect((error as? JournalError)?.code == .corrupt)
            #expect(contents(of: path) == bytes)
        } else {
            // Bytes that SQLite leaves unused may be anything.
            #expect(try opened.get().all().map(\.body) == Array(repeating: "a", count: 5))
        }
    }

    @Test func `a journal with a missing batch is refused`() throws {
        var journal: SQLiteJournal? = try open()
        for _ in 0..<5 { _ = try journal?.append([batch(["a"])]) }
        try journal?.queue.inDatabase { try $0.execute(sql: "DELETE FROM batches WHERE first = 3") }
        journal = nil
        let error = #expect(throws: JournalError.self) { try open() }
        #expect(error?.code == .corrupt)
    }

    @Test func `the log is copied into the database before it grows large`() throws {
        let journal = try open(budgetBytes: 1 << 30)
        let large = String(repeating: "x", count: 1 << 20)
        for _ in 0..<40 { _ = try journal.append([batch([large])]) }
        var facts = stat()
        stat(folder.path + "/journal.db-wal", &facts)
        #expect(facts.st_size < 24 << 20)
        #expect(try journal.all().count == 40)
    }
}
