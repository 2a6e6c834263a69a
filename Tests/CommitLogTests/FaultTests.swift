import Glibc
import MemoryDisk
import Testing

@testable import CommitLog

/// The n-th call of every operation fails, for every n of a run, in every way; then the process or the power ends.
@Suite struct FaultTests {
    private static let operations = ["pwrite", "pread", "fdatasync", "fsync", "fallocate", "open", "unlink", "flock"]

    /// A run through everything that a log does. Counts what was not stored.
    private static func run(_ disk: MemoryDisk, _ model: inout LogModel) -> (refused: Int, unknown: Bool, failed: Bool)
    {
        var refused = 0
        var isFailed = false
        do {
            let log = try SegmentLog("log", .small(segmentBytes: 4096), files: disk)
            if log.isWaitingForSpace { _ = try log.idle() }
            for step in 0..<24 {
                let content = [UInt8](repeating: UInt8(step), count: 100 + 40 * step)
                if !model.append(to: log, count: 1 + step % 3, content: content) { refused += 1 }
                if step % 6 == 5 { try model.trim(log, below: max(4, model.next) - 3) }
                if step % 8 == 7 { _ = try log.idle() }
                _ = try log.read(from: model.next / 2, maxBytes: 1)
            }
            try log.close()
        } catch {
            isFailed = true
        }
        return (refused, model.doubtful != nil, isFailed)
    }

    private static func verify(_ disk: MemoryDisk, _ model: LogModel, _ what: String) {
        var model = model
        do {
            let log = try SegmentLog("log", .small(segmentBytes: 4096), files: disk)
            if let difference = try model.difference(log) { Issue.record("\(what): \(difference)") }
            if !model.append(to: log, count: 1, content: [1]) { Issue.record("\(what): takes nothing more") }
        } catch {
            Issue.record("\(what): \(error)")
        }
    }

    @Test(arguments: [true, false], operations)
    func `a call that fails costs nothing acknowledged`(isDirect: Bool, operation: String) {
        let calm = MemoryDisk(seed: 0, isDirect: isDirect)
        var model = LogModel()
        let calmOutcome = Self.run(calm, &model)
        #expect(calmOutcome == (0, false, false))
        for number in 1...max(1, calm.calls[operation] ?? 0) {
            var faults: [MemoryDisk.Fault] = [EIO, ENOSPC, EDQUOT, EINTR].map { .error($0) }
            if operation == "pwrite" {
                faults += [.short, .cut(byteCount: 60, fromEnd: false), .cut(byteCount: 512, fromEnd: true)]
            }
            for fault in faults {
                for cutsPower in [true, false] {
                    let disk = MemoryDisk(seed: UInt64(number), isDirect: isDirect)
                    disk.faults = [operation: [number: fault]]
                    var model = LogModel()
                    let outcome = Self.run(disk, &model)
                    let what = "\(operation) \(number) \(fault), power cut: \(cutsPower)"
                    switch fault {
                    case .error(EINTR), .short:
                        #expect(outcome == (0, false, false), "\(what)")
                    case .error(ENOSPC), .error(EDQUOT):
                        #expect(!outcome.unknown, "\(what)")
                        #expect(outcome.refused <= 1, "\(what)")
                    default: break
                    }
                    disk.faults = [:]
                    if cutsPower { disk.cutPower() } else { disk.endProcess() }
                    Self.verify(disk, model, what)
                }
            }
        }
    }

    @Test(arguments: [true, false])
    func `a power cut at any byte of a commit leaves the commit whole or absent`(tearsSectors: Bool) throws {
        for isFromEnd in [false, true] {
            for byteCount in 0...1024 {
                let disk = MemoryDisk(seed: UInt64(byteCount), isDirect: true)
                disk.tearsSectors = tearsSectors
                var model = LogModel()
                do {
                    let log = try SegmentLog("log", .small(), files: disk)
                    _ = model.append(to: log, count: 2, content: [1, 2, 3])
                    disk.faults = [
                        "pwrite": [(disk.calls["pwrite"] ?? 0) + 1: .cut(byteCount: byteCount, fromEnd: isFromEnd)]
                    ]
                    let content = (0..<700).map { UInt8(truncatingIfNeeded: $0) }
                    _ = model.append(to: log, count: 1, content: content)
                    #expect(model.doubtful != nil)
                    let isTaken = model.append(to: log, count: 1, content: [9])
                    #expect(!isTaken, "a failed log takes nothing more")
                }
                disk.faults = [:]
                disk.cutPower()
                let log = try SegmentLog("log", .small(), files: disk)
                let difference = try model.difference(log)
                #expect(difference == nil, "\(byteCount) \(isFromEnd)")
                // Whole means that all but the padding is there.
                let isWhole = log.next == 4
                #expect(isWhole == (isFromEnd ? byteCount == 1024 : byteCount >= 780))
            }
        }
    }

    @Test(arguments: [true, false])
    func `a full disk refuses, and what is given up on it makes room again`(isDirect: Bool) throws {
        let disk = MemoryDisk(seed: 1, isDirect: isDirect)
        disk.capacityBytes = Superblock.fileBytes + 5 * 4096
        var model = LogModel()
        for round in 0..<6 {
            let log = try SegmentLog("log", .small(segmentBytes: 4096), files: disk)
            if log.isWaitingForSpace { _ = try log.idle() }
            var stored = 0
            while model.append(to: log, count: 1, content: [UInt8](repeating: UInt8(round), count: 900)) { stored += 1 }
            #expect(log.shortage(for: 900)?.code == .full)
            #expect(round != 0 || stored >= 8, "\(stored)")
            // What fits is still taken in when a start finds the disk full, twice.
            if round % 2 == 0 { try model.trim(log, below: model.next) }
            let isTaken = model.append(to: log, count: 1, content: [7])
            #expect(isTaken || round % 2 != 0)
            disk.endProcess()
        }
        let log = try SegmentLog("log", .small(segmentBytes: 4096), files: disk)
        try log.trim(below: log.next)
        _ = try log.idle()
        #expect(log.shortage(for: 900) == nil)
    }

    @Test func `a log that found no descriptor says so, and not that the disk is full`() throws {
        let disk = MemoryDisk(seed: 1, isDirect: true)
        let log = try SegmentLog("log", .small(segmentBytes: 4096), files: disk)
        let opened = disk.calls["open"] ?? 0
        disk.faults["open"] = Dictionary(uniqueKeysWithValues: (opened + 1...opened + 100).map { ($0, .error(EMFILE)) })
        var model = LogModel()
        while model.append(to: log, count: 1, content: [UInt8](repeating: 7, count: 900)) {}
        #expect(log.shortage(for: 900)?.sentence.contains("there is no descriptor") == true)
        disk.faults = [:]
        _ = try log.idle()
        #expect(log.shortage(for: 900) == nil)
    }

    @Test func `a log that is open cannot be opened again`() throws {
        let disk = MemoryDisk(seed: 1, isDirect: true)
        let log = try SegmentLog("log", .small(), files: disk)
        let error = #expect(throws: LogError.self) { try SegmentLog("log", .small(), files: disk) }
        #expect(error?.code == .locked)
        withExtendedLifetime(log) {}
    }
}
