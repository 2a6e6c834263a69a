import Executable
import Foundation
import Glibc
import LogSamples
import StageMetrics
import Testing
import Wire

@testable import EventLog

@Suite struct SegmentEventLogTests {
    private func append(_ log: SegmentEventLog, _ sequence: UInt64, payload: String = "{}") throws {
        var transaction = LogTransaction(settings: log.settings, takenAtNanoseconds: 0)
        _ = try Sample.admit(
            Sample.envelope(sequence: sequence, ids: ["id-\(sequence)"], payload: payload), log, &transaction)
        _ = try log.commit(transaction)
    }

    @Test func `pages have 4 KiB`() throws {
        let folder = try TemporaryFolder()
        let log = try SegmentEventLog(settings: EventLogSettings(path: folder.file))
        let pragmas = try log.pragmas(["page_size", "journal_mode"])
        #expect(pragmas == ["4096", "wal"])
    }

    @Test func `files copied at any moment hold a whole prefix of the commits`() throws {
        let folder = try TemporaryFolder()
        let log = try SegmentEventLog(settings: EventLogSettings(path: folder.file))
        for sequence in 1...25 as ClosedRange<UInt64> {
            try append(log, sequence)
            let copy = try TemporaryFolder()
            try folder.snapshot(to: copy)
            let restored = try SegmentEventLog(settings: EventLogSettings(path: copy.file))
            #expect(restored.nextPosition == sequence + 1)
            #expect(try restored.watermarks().values.first == sequence)
        }
    }

    @Test func `what a cut takes from the state comes back from the log`() throws {
        let folder = try TemporaryFolder()
        let log = try SegmentEventLog(settings: EventLogSettings(path: folder.file))
        for sequence in 1...4 as ClosedRange<UInt64> { try append(log, sequence) }
        _ = try log.watermarks()
        let before = try #require(size(folder.file + "-wal"))
        try append(log, 5)
        _ = try log.watermarks()
        let after = try #require(size(folder.file + "-wal"))
        #expect(after > before)
        for length in stride(from: before, to: after, by: 2997) {
            let copy = try TemporaryFolder()
            try folder.snapshot(to: copy)
            truncate(copy.file + "-wal", length)
            let restored = try SegmentEventLog(settings: EventLogSettings(path: copy.file))
            #expect(restored.nextPosition == 6)
            #expect(try restored.watermarks().values.first == 5)
            var again = LogTransaction(settings: restored.settings, takenAtNanoseconds: 0)
            #expect(try Sample.admit(Sample.envelope(sequence: 6, ids: ["id-5"]), restored, &again) == 0)
        }
    }

    @Test func `a state without its log, and a log without its state, are refused with a sentence`() throws {
        for lost in ["log/superblock", "events.sqlite"] {
            let folder = try TemporaryFolder()
            let log = try SegmentEventLog(settings: EventLogSettings(path: folder.file))
            try append(log, 1)
            log.close()
            let copy = try TemporaryFolder()
            try folder.snapshot(to: copy)
            if lost.hasPrefix("log") {
                try FileManager.default.removeItem(atPath: copy.path + "/log")
            } else {
                for suffix in ["", "-wal", "-shm"] { unlink(copy.file + suffix) }
            }
            let failure = #expect(throws: EventLogError.self) {
                try SegmentEventLog(settings: EventLogSettings(path: copy.file))
            }
            #expect(failure?.code == .notThisLog)
            #expect(failure?.stageFailure.status == .configuration)
        }
    }

    @Test func `events that the state has not seen are read all the same`() throws {
        let folder = try TemporaryFolder()
        let log = try SegmentEventLog(settings: EventLogSettings(path: folder.file))
        let reader = try log.makeReader()
        for sequence in 1...9 as ClosedRange<UInt64> { try append(log, sequence) }
        #expect(try reader.batches(from: 3, maxBytes: .max).batches.map(\.first) == Array(3...9))
        #expect(try reader.batch(holding: 9)?.first == 9)
    }

    @Test
    func `a clock that was days ahead when the log was opened makes nothing old, nor does time without a process`()
        throws
    {
        let folder = try TemporaryFolder()
        let settings = EventLogSettings(path: folder.file)
        let now = steadyNanoseconds()
        let day: Int64 = 86_400_000_000_000
        var log: SegmentEventLog? = try SegmentEventLog(settings: settings, now: now)
        func dropped(at nanoseconds: Int64) throws -> Int {
            let log = try #require(log)
            return try log.dropExpired(nowNanoseconds: nanoseconds, rows: 10)
                + log.dropAgedQuarantine(nowNanoseconds: nanoseconds, rows: 10)
        }
        for sequence in 1...3 as ClosedRange<UInt64> { try append(#require(log), sequence) }
        var refused = LogTransaction(settings: settings, takenAtNanoseconds: 0)
        refused.quarantine([Sample.quarantined("a", 4, bytes: 5, quarantinedAt: now)])
        _ = try log?.commit(refused)
        // Ahead, and again ahead after a crash.
        for _ in 1...2 {
            log = nil
            log = try SegmentEventLog(settings: settings, now: now + 8 * day)
            #expect(try dropped(at: now + 8 * day + 6_000_000_000) == 0)
            var again = LogTransaction(settings: settings, takenAtNanoseconds: 0)
            #expect(try Sample.admit(Sample.envelope(sequence: 9, ids: ["id-2"]), #require(log), &again) == 0)
        }
        // Right again.
        log = nil
        log = try SegmentEventLog(settings: settings, now: now + day)
        #expect(try dropped(at: now + 6 * day) == 0)
        #expect(try dropped(at: now + 9 * day) == 4)
    }

    @Test func `a log that takes a new id keeps the names of what it holds`() throws {
        let folder = try TemporaryFolder()
        let settings = EventLogSettings(path: folder.file)
        var log = try SegmentEventLog(settings: settings)
        let first = log.lineage.current
        try append(log, 1)
        // The log knows of it and the state does not.
        let cut = try TemporaryFolder()
        _ = try log.watermarks()
        try folder.snapshot(to: cut)
        try log.takeNewID()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/log") {
            let (from, to) = (folder.path + "/log/" + name, cut.path + "/log/" + name)
            try? FileManager.default.removeItem(atPath: to)
            try FileManager.default.copyItem(atPath: from, toPath: to)
        }
        let second = log.lineage.current
        try append(log, 2)
        log.close()
        log = try SegmentEventLog(settings: settings)
        #expect(first != second)
        #expect([1, 2].map { log.lineage.id(of: $0) } == [first, second])
        #expect([log.lineage.end(of: first), log.lineage.end(of: second)] == [2, .max])
        #expect(log.lineage.end(of: .random()) == nil)
        let restored = try SegmentEventLog(settings: EventLogSettings(path: cut.file))
        #expect([1, 2].map { restored.lineage.id(of: $0) } == [first, second])
    }

    @Test func `facts are read as they were written`() throws {
        var transaction = LogTransaction(settings: EventLogSettings(path: "x/y"), takenAtNanoseconds: 7)
        transaction.watermarks = [JournalID(high: 1, low: 2): 9]
        var replay = Sample.quarantined("b", 3, bytes: 20, isVerified: true, elements: [1, 500])
        replay.isReplay = true
        transaction.quarantine([Sample.quarantined("a", 1, bytes: 5), Sample.quarantined("a", 2, bytes: 5), replay])
        let written = FactRecord(transaction, first: 5, appendedAtNanoseconds: 8)
        let bytes = written.withParts { $0.flatMap { Array($0) } }
        let read = try FactRecord(bytes)
        #expect(read.watermarks == transaction.watermarks)
        #expect(read.rejected == transaction.rejected)
        #expect((read.first, read.takenAtNanoseconds, read.appendedAtNanoseconds) == (5, 7, 8))
        for length in 0..<bytes.count { #expect(throws: WireError.self) { try FactRecord(Array(bytes[..<length])) } }
    }

    @Test func `keyed hashes are those of the reference implementation`() {
        let key = KeyedHash.Key(low: 0x0706_0504_0302_0100, high: 0x0F0E_0D0C_0B0A_0908)
        #expect(KeyedHash(key).finish() == 0x9302_55C7_1472_F66D_E6A8_25BA_047F_81A3)
    }

    @Test func `a file that is no event log is refused with a sentence`() throws {
        let folder = try TemporaryFolder()
        let descriptor = open(folder.file, O_WRONLY | O_CREAT, 0o600)
        let text = [UInt8](repeating: 65, count: 5000)
        #expect(write(descriptor, text, text.count) == text.count)
        close(descriptor)
        #expect(throws: EventLogError.self) { try SegmentEventLog(settings: EventLogSettings(path: folder.file)) }
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
        var settings = EventLogSettings(path: mountPoint.file)
        (settings.recordBytes, settings.segmentBytes) = (64 << 10, 192 << 10)
        let log = try SegmentEventLog(settings: settings)
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
        let restored = try log.makeReader()
        #expect(try restored.batches(from: next, maxBytes: 1).batches.first?.first == next)
    }

    private func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }
}
