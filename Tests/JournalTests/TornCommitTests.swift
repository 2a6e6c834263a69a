import SeededRandom
import Testing
import Wire

@testable import Journal

/// The files of a journal as they were before and after its last commit.
private struct Copies {
    var database: [UInt8]
    var logBefore: [UInt8]
    var logAfter: [UInt8]

    /// Appends `count` commits that are answered and one more that is not.
    init(_ folder: TemporaryFolder, answered count: Int, pageSizeBytes: Int) throws {
        let journal = try SQLiteJournal(path: folder.path, budgetBytes: 1 << 20, pageSizeBytes: pageSizeBytes)
        for index in 0..<count { _ = try journal.append([batch(["answered \(index)"])]) }
        journal.settle(through: 1)
        logBefore = contents(of: folder.path + "/journal.db-wal")
        _ = try journal.append([batch(["not answered", "nor this"])])
        logAfter = contents(of: folder.path + "/journal.db-wal")
        database = contents(of: folder.path + "/journal.db")
    }
}

@Suite(.serialized) struct TornCommitTests {
    @Test func `a log cut at any byte of the last commit loses nothing that was answered`() throws {
        let source = TemporaryFolder()
        defer { withExtendedLifetime(source) {} }
        let copies = try Copies(source, answered: 3, pageSizeBytes: 512)
        #expect(copies.logAfter.count > copies.logBefore.count)
        for end in copies.logBefore.count...copies.logAfter.count {
            let folder = TemporaryFolder()
            // The folder lives as long as the journal in it.
            defer { withExtendedLifetime(folder) {} }
            write(copies.database[...], to: folder.path + "/journal.db")
            write(copies.logAfter[..<end], to: folder.path + "/journal.db-wal")
            let journal = try SQLiteJournal(path: folder.path, budgetBytes: 1 << 20, pageSizeBytes: 512)
            let torn = end - copies.logBefore.count
            if end == copies.logAfter.count {
                #expect(journal.recoveryNotice == nil)
                #expect(journal.nextSequence == 6)
            } else {
                let notice = "dropped a torn commit of \(torn) bytes that was never acknowledged"
                #expect(journal.recoveryNotice == (torn == 0 ? nil : notice))
                #expect(journal.nextSequence == 4)
            }
            // The last commit also deletes the first webhook, which was settled.
            let answered = ["answered 0", "answered 1", "answered 2"].dropFirst(end == copies.logAfter.count ? 1 : 0)
            #expect(try journal.all().filter { $0.sequence <= 3 }.map(\.body) == Array(answered))
            #expect(try journal.append([batch(["next"])]).count == 1)
        }
    }

    @Test func `pages of the usual size are cut at every frame's edges`() throws {
        let source = TemporaryFolder()
        defer { withExtendedLifetime(source) {} }
        let copies = try Copies(source, answered: 2, pageSizeBytes: 4096)
        let frameBytes = 4096 + 24
        for frame in stride(from: copies.logBefore.count, to: copies.logAfter.count, by: frameBytes) {
            for end in [frame + 1, frame + 23, frame + 24, frame + 25, frame + frameBytes - 1] {
                let tail = copies.logAfter[..<end].withUnsafeBytes { WALInspector.inspect($0) }
                #expect(
                    tail
                        == WALTail(
                            committedBytes: copies.logBefore.count, tornBytes: end - copies.logBefore.count,
                            isDamaged: false))
            }
        }
    }

    @Test func `a flipped bit in an older commit is called damage, not a torn commit`() throws {
        let source = TemporaryFolder()
        defer { withExtendedLifetime(source) {} }
        let copies = try Copies(source, answered: 3, pageSizeBytes: 512)
        var log = copies.logAfter
        log[32 + 24 + 100] ^= 1
        let tail = log.withUnsafeBytes { WALInspector.inspect($0) }
        #expect(tail.isDamaged)
        #expect(tail.committedBytes + tail.tornBytes == log.count)
    }

    @Test func `what is left from before the log was begun anew is not mistaken for a torn commit`() throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let journal = try SQLiteJournal(path: folder.path, budgetBytes: 1 << 30)
        let large = String(repeating: "x", count: 1 << 20)
        for _ in 0..<17 { _ = try journal.append([batch([large])]) }
        _ = try journal.append([batch(["small"])])
        let log = contents(of: folder.path + "/journal.db-wal")
        let tail = log.withUnsafeBytes { WALInspector.inspect($0) }
        #expect(tail.committedBytes < 2 << 20)
        #expect(log.count > 10 << 20)
        #expect(tail.tornBytes == 0)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `the inspector reads any bytes`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let noise = (0..<Int.random(in: 0...2000, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
        let tail = noise.withUnsafeBytes { WALInspector.inspect($0) }
        #expect(tail.committedBytes + tail.tornBytes <= noise.count)
    }
}
