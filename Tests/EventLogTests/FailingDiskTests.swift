import Executable
import Glibc
import LogSamples
import MemoryDisk
import Testing
import Wire

@testable import EventLog

/// The commit log on a disk in memory, the state on a real one.
@Suite struct FailingDiskTests {
    private let folder: TemporaryFolder
    private let settings: EventLogSettings

    init() throws {
        folder = try TemporaryFolder()
        var settings = EventLogSettings(path: folder.file)
        (settings.recordBytes, settings.segmentBytes) = (64 << 10, 192 << 10)
        self.settings = settings
    }

    private func commit(_ sequence: UInt64, to log: SegmentEventLog, bytes: Int = 10) throws(EventLogError) {
        var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 7)
        let payload = "{\"a\":\"" + String(repeating: "x", count: bytes) + "\"}"
        _ = try? Sample.admit(
            Sample.envelope(sequence: sequence, ids: ["id-\(sequence)"], payload: payload), log, &transaction)
        _ = try log.commit(transaction)
    }

    @Test(arguments: [EIO, EROFS])
    func `an error of the disk ends the log, and the next start has all that was settled`(
        _ code: Int32
    ) throws {
        for call in 1...24 {
            let folder = try TemporaryFolder()
            var settings = settings
            settings.path = folder.file
            let disk = MemoryDisk(seed: UInt64(call), isDirect: false)
            var log: SegmentEventLog? = try SegmentEventLog(settings: settings, files: disk)
            let operation = call % 2 == 0 ? "pwrite" : "fdatasync"
            disk.faults[operation] = [(disk.calls[operation] ?? 0) + (call + 1) / 2: .error(code)]
            var settled: UInt64 = 0
            var failure: EventLogError?
            while failure == nil, settled < 100 {
                do {
                    try commit(settled + 1, to: #require(log))
                    settled += 1
                } catch let error as EventLogError {
                    failure = error
                }
            }
            #expect(failure?.code == .storageFailed && failure?.stageFailure.status == .io, "call \(call)")
            #expect(throws: EventLogError.self) { try commit(settled + 2, to: #require(log)) }
            log = nil
            disk.endProcess()
            let next = try SegmentEventLog(settings: settings, files: disk)
            #expect(next.nextPosition == settled + 1 || next.nextPosition == settled + 2, "call \(call)")
            #expect(try next.watermarks().values.first == next.nextPosition - 1)
            #expect(try next.makeReader().batches(from: 1, maxBytes: .max).batches.count == Int(next.nextPosition) - 1)
        }
    }

    @Test func `a quota that is used up is a full disk, not a failing one`() throws {
        let disk = MemoryDisk(seed: 1, isDirect: true)
        let log = try SegmentEventLog(settings: settings, files: disk)
        disk.faults["pwrite"] = [(disk.calls["pwrite"] ?? 0) + 1: .error(EDQUOT)]
        let error = #expect(throws: EventLogError.self) { try commit(1, to: log) }
        #expect(error?.code == .diskFull)
        try commit(2, to: log)
        #expect(log.nextPosition == 2)
    }

    @Test(arguments: [false, true])
    func `a log that filled its own disk takes events again when retention has dropped some, also after a restart`(
        _ restarts: Bool
    ) throws {
        let disk = MemoryDisk(seed: 1, isDirect: true)
        disk.capacityBytes = 2 << 20
        var full: SegmentEventLog? = try SegmentEventLog(settings: settings, files: disk)
        var sequence: UInt64 = 0
        let error = #expect(throws: EventLogError.self) {
            while sequence < 1_000 {
                try commit(sequence + 1, to: #require(full), bytes: 30_000)
                sequence += 1
            }
        }
        #expect(error?.code == .diskFull)
        if restarts {
            full = nil
            disk.endProcess()
            full = try SegmentEventLog(settings: settings, files: disk)
        }
        let log = try #require(full)
        #expect(throws: EventLogError.self) { try commit(sequence + 1, to: log, bytes: 30_000) }
        let before = log.firstPosition
        log.retain(seconds: 7 * 86_400, bytes: 512 << 10)
        while try log.dropExpired(nowNanoseconds: 0, rows: 8) == 8 {}
        try log.trim()
        #expect(log.firstPosition > before)
        try commit(sequence + 1, to: log, bytes: 30_000)
        #expect(log.nextPosition == sequence + 2)
    }

    @Test func `what retention has dropped is given back to the disk`() throws {
        let disk = MemoryDisk(seed: 1, isDirect: true)
        var settings = settings
        settings.retentionBytes = 1 << 20
        let log = try SegmentEventLog(settings: settings, files: disk)
        var most = 0
        for sequence in 1...400 as ClosedRange<UInt64> {
            try commit(sequence, to: log, bytes: 30_000)
            while try log.dropExpired(nowNanoseconds: 0, rows: 8) == 8 {}
            try log.trim()
            most = max(most, disk.nodes.values.reduce(0) { $0 + $1.seen.count })
        }
        #expect(log.firstPosition > 300)
        #expect(most <= 1 << 20 + 5 * settings.segmentBytes + 64 << 10)
    }
}
