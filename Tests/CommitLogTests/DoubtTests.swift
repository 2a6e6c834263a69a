import Glibc
import MemoryDisk
import Testing

@testable import CommitLog

/// The rules about what may be seen and not be on the disk, each by itself: chance seldom finds these ways.
@Suite struct DoubtTests {
    @Test func `a block that only the page cache has is on the disk before anybody reads it`() throws {
        for seed in 0..<40 as Range<UInt64> {
            let disk = MemoryDisk(seed: seed, isDirect: false)
            disk.remembers = true
            var model = LogModel()
            do {
                let log = try SegmentLog("log", .small(), files: disk)
                _ = model.append(to: log, count: 1, content: [1])
                disk.faults = ["fdatasync": [(disk.calls["fdatasync"] ?? 0) + 1: .error(EIO)]]
                _ = model.append(to: log, count: 1, content: [UInt8](repeating: 2, count: 1500))
                #expect(model.doubtful != nil)
            }
            disk.faults = [:]
            disk.endProcess()
            do {
                let log = try SegmentLog("log", .small(), files: disk)
                let difference = try model.difference(log)
                #expect(difference == nil && log.next == 3, "seed \(seed)")
            }
            disk.cutPower()
            let log = try SegmentLog("log", .small(), files: disk)
            let difference = try model.difference(log)
            #expect(difference == nil, "seed \(seed)")
        }
    }

    @Test(arguments: ["pwrite", "fdatasync"], [ENOSPC, EDQUOT])
    func `a record that was refused for want of space is not there after a crash`(
        operation: String, code: Int32
    ) throws {
        for seed in 0..<60 as Range<UInt64> {
            let disk = MemoryDisk(seed: seed, isDirect: false)
            disk.remembers = true
            var model = LogModel()
            do {
                let log = try SegmentLog("log", .small(), files: disk)
                _ = model.append(to: log, count: 1, content: [1])
                disk.faults = [operation: [(disk.calls[operation] ?? 0) + 1: .error(code)]]
                let isStored = model.append(to: log, count: 1, content: [UInt8](repeating: 2, count: 40))
                #expect(!isStored && model.doubtful == nil)
            }
            disk.faults = [:]
            if seed % 2 == 0 { disk.endProcess() } else { disk.cutPower() }
            let log = try SegmentLog("log", .small(), files: disk)
            let difference = try model.difference(log)
            #expect(difference == nil && log.next == 2, "seed \(seed)")
        }
    }

    @Test func `after segments were given up and used again either slot of the superblock is enough`() throws {
        for slot in 0..<2 {
            let disk = MemoryDisk(seed: 1, isDirect: true)
            let options = SegmentLog.Options.small(segmentBytes: 2048, recordBytes: 800)
            var model = LogModel()
            for step in 0..<40 {
                do {
                    let log = try SegmentLog("log", options, files: disk)
                    let difference = try model.difference(log)
                    #expect(difference == nil, "step \(step)")
                    _ = model.append(to: log, count: 1, content: [UInt8](repeating: UInt8(step), count: 300))
                    for _ in 0..<step % 4 { _ = model.append(to: log, count: 1, content: [9]) }
                    try model.trim(log, below: model.next - UInt64(step % 3))
                }
                disk.endProcess()
                disk.nodes["superblock"]?.seen[slot * 65536 + 8] ^= 1
            }
        }
    }
}
