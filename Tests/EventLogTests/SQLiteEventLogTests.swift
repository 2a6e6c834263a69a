import Glibc
import LogSamples
import Testing
import Wire

@testable import EventLog

@Suite struct SQLiteEventLogTests {
    private func append(_ log: SQLiteEventLog, _ sequence: UInt64, payload: String = "{}") throws {
        var transaction = LogTransaction(settings: log.settings, takenAtNanoseconds: 0)
        _ = try Sample.admit(
            Sample.envelope(sequence: sequence, ids: ["id-\(sequence)"], payload: payload), log, &transaction)
        _ = try log.commit(transaction)
    }

    @Test func `every commit waits for its fsync and pages have 4 KiB`() throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteEventLog(settings: EventLogSettings(path: folder.file))
        let pragmas = try log.pragmas(["synchronous", "page_size", "journal_mode"])
        #expect(pragmas == ["2", "4096", "wal"])
    }

    @Test func `files copied at any moment hold a whole prefix of the commits`() throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteEventLog(settings: EventLogSettings(path: folder.file))
        for sequence in 1...25 as ClosedRange<UInt64> {
            try append(log, sequence)
            let copy = try TemporaryFolder()
            try folder.snapshot(to: copy)
            let restored = try SQLiteEventLog(settings: EventLogSettings(path: copy.file))
            #expect(restored.nextPosition == sequence + 1)
            #expect(try restored.watermarks().values.first == sequence)
        }
    }

    @Test func `a log cut anywhere in its last commit loses that commit as a whole`() throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteEventLog(settings: EventLogSettings(path: folder.file))
        for sequence in 1...4 as ClosedRange<UInt64> { try append(log, sequence) }
        let before = try #require(size(folder.file + "-wal"))
        try append(log, 5)
        let after = try #require(size(folder.file + "-wal"))
        #expect(after > before)
        for length in stride(from: before, to: after, by: 997) {
            let copy = try TemporaryFolder()
            try folder.snapshot(to: copy)
            truncate(copy.file + "-wal", length)
            let restored = try SQLiteEventLog(settings: EventLogSettings(path: copy.file))
            #expect(restored.nextPosition == 5)
            #expect(try restored.watermarks().values.first == 4)
        }
    }

    @Test func `a file that is no event log is refused with a sentence`() throws {
        let folder = try TemporaryFolder()
        let descriptor = open(folder.file, O_WRONLY | O_CREAT, 0o600)
        let text = [UInt8](repeating: 65, count: 5000)
        #expect(write(descriptor, text, text.count) == text.count)
        close(descriptor)
        #expect(throws: EventLogError.self) { try SQLiteEventLog(settings: EventLogSettings(path: folder.file)) }
    }

    /// Whether this process may mount a small file system.
    private static let canMount: Bool = {
        guard let folder = try? TemporaryFolder(), mount("tmpfs", folder.path, "tmpfs", 0, "size=2m") == 0 else {
            return false
        }
        return umount2(folder.path, Int32(MNT_DETACH)) == 0
    }()

    @Test(.enabled(if: canMount)) func `a full disk tears nothing and the log goes on when there is space again`()
        throws
    {
        let mountPoint = try TemporaryFolder()
        try #require(mount("tmpfs", mountPoint.path, "tmpfs", 0, "size=2m") == 0)
        defer { umount2(mountPoint.path, Int32(MNT_DETACH)) }
        let log = try SQLiteEventLog(settings: EventLogSettings(path: mountPoint.file))
        let ballast = mountPoint.path + "/ballast"
        try append(log, 1)
        let descriptor = open(ballast, O_WRONLY | O_CREAT, 0o600)
        let chunk = [UInt8](repeating: 0, count: 4096)
        while write(descriptor, chunk, chunk.count) == chunk.count {}
        close(descriptor)
        var refused: EventLogError?
        var sequence: UInt64 = 2
        while refused == nil, sequence < 200 {
            do {
                try append(log, sequence, payload: "{\"a\":\"" + String(repeating: "x", count: 30_000) + "\"}")
                sequence += 1
            } catch let error as EventLogError {
                refused = error
            }
        }
        #expect(refused?.code == .diskFull)
        let next = log.nextPosition
        unlink(ballast)
        try append(log, sequence)
        #expect(log.nextPosition == next + 1)
        let restored = try SQLiteEventLogReader(path: mountPoint.file)
        #expect(try restored.batches(from: next, maxBytes: 1).batches.first?.first == next)
    }

    private func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }
}
