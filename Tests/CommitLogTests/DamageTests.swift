import Glibc
import MemoryDisk
import SeededRandom
import Testing
import Wire

@testable import CommitLog

/// Rot, forgeries and what former uses of a file have left: never a silent cut, never a wrong byte.
@Suite struct DamageTests {
    private let disk = MemoryDisk(seed: 1, isDirect: true)
    private let options = SegmentLog.Options.small(segmentBytes: 2048, recordBytes: 800)

    /// Six records of one block each, in segments of three; `isClosed`: the superblock knows all of them.
    private func write(isClosed: Bool) throws -> LogModel {
        var model = LogModel()
        let log = try SegmentLog("log", options, files: disk)
        for index in 0..<6 {
            _ = model.append(to: log, count: 2, content: [UInt8](repeating: UInt8(index), count: 300))
        }
        if isClosed { try log.close() }
        return model
    }

    private func check() throws -> LogCheck { try LogCheck(once: "log", disk) }

    @Test(arguments: [true, false])
    func `every flipped bit is damage, or the end of a log that was not closed`(isClosed: Bool) throws {
        _ = try write(isClosed: isClosed)
        let whole = try check()
        #expect(whole.damage.isEmpty && whole.next == 13 && whole.segments.map(\.blocks) == [3, 3])
        for (index, segment) in whole.segments.enumerated() {
            let node = try #require(disk.nodes[segment.file])
            for bit in 0..<8 * segment.byteCount {
                // What lies in the header's piece behind the header means nothing.
                if (80 * 8..<512 * 8).contains(bit) { continue }
                node.seen[bit / 8] ^= 1 << (bit % 8)
                defer { node.seen[bit / 8] ^= 1 << (bit % 8) }
                let found = try check()
                let isTorn = index == 1 && bit >= 1536 * 8 && !isClosed
                if isTorn {
                    #expect(found.damage.isEmpty && found.next == 11, "bit \(bit) of \(segment.file)")
                } else {
                    #expect(!found.damage.isEmpty, "bit \(bit) of \(segment.file)")
                }
            }
        }
    }

    @Test func `a reader says which numbers rot has taken and gives the others`() throws {
        let model = try write(isClosed: true)
        let segments = try check().segments
        for (file, place, lost) in [(0, 512, 1), (0, 1100, 3), (0, 2047, 5), (1, 600, 7), (1, 1400, 9), (1, 1700, 11)] {
            let node = try #require(disk.nodes[segments[file].file])
            let kept = (node.seen, node.kept)
            node.seen[place] ^= 1
            node.kept[place] ^= 1
            do {
                let log = try SegmentLog("log", options, files: disk)
                let entries = try log.read(from: 0, maxBytes: .max)
                #expect(entries.contains(.missing(first: UInt64(lost), end: UInt64(lost) + 2)))
                let found = entries.compactMap { entry in
                    if case .record(let record) = entry { record.first } else { nil }
                }
                #expect(found == model.records.map(\.first).filter { $0 != UInt64(lost) })
                #expect(log.next == 13)
            }
            disk.endProcess()
            (node.seen, node.kept) = kept
        }
    }

    @Test func `damage that the start itself finds stops it, unless the owner can do with less`() throws {
        _ = try write(isClosed: false)
        let last = try #require(check().segments.last)
        let node = try #require(disk.nodes[last.file])
        node.seen[512 + 100] ^= 1
        let error = #expect(throws: LogError.self) { try SegmentLog("log", options, files: disk) }
        #expect(error?.code == .damaged)
        #expect(error?.sentence.contains("numbers 7 to 8 are lost") == true)
        var tolerant = options
        tolerant.toleratesDamage = true
        let log = try SegmentLog("log", tolerant, files: disk)
        #expect(log.damage.map(\.lost) == [7..<9])
        #expect(log.next == 13)
        #expect(try log.read(from: 7, maxBytes: .max).first == .missing(first: 7, end: 9))
    }

    @Test func `one slot of the superblock is enough, whichever is lost`() throws {
        var model = try write(isClosed: false)
        for slot in 0..<2 {
            for bit in stride(from: 0, to: 4096 * 8, by: 61) {
                let node = try #require(disk.nodes["superblock"])
                node.seen[slot * 65536 + bit / 8] ^= 1 << (bit % 8)
                if let difference = try model.difference(SegmentLog("log", options, files: disk)) {
                    Issue.record("bit \(bit) of slot \(slot): \(difference)")
                    return
                }
                disk.endProcess()
            }
        }
    }

    @Test func `without a superblock, or with a newer one, nothing is begun`() throws {
        _ = try write(isClosed: true)
        let node = try #require(disk.nodes["superblock"])
        let kept = node.seen
        for slot in 0..<2 {
            node.seen.withUnsafeMutableBytes { bytes in
                let slot = UnsafeMutableRawBufferPointer(rebasing: bytes[slot * 65536..<slot * 65536 + 4096])
                slot.put(UInt16(2), at: 4)
                _ = slot.seal(4096)
            }
        }
        #expect(throws: LogError.self) { try SegmentLog("log", options, files: disk) }
        let newer = #expect(throws: LogError.self) { try SegmentLog("log", options, files: disk) }
        #expect(newer?.code == .version)
        node.seen = [UInt8](repeating: 0, count: kept.count)
        let lost = #expect(throws: LogError.self) { try SegmentLog("log", options, files: disk) }
        #expect(lost?.code == .damaged)
        try disk.unlink("superblock")
        let gone = #expect(throws: LogError.self) { try SegmentLog("log", options, files: disk) }
        #expect(gone?.code == .damaged)
    }

    @Test func `blocks that a sender forges within a body are content, also when the body is torn`() throws {
        var generator = SeededGenerator(seed: 5)
        for seed in 0..<200 as Range<UInt64> {
            let disk = MemoryDisk(seed: seed, isDirect: true)
            var model = LogModel()
            do {
                let log = try SegmentLog("log", .small(), files: disk)
                _ = model.append(to: log, count: 1, content: [1])
                // All that a block has but the salt, at an aligned place: the body begins 80 bytes into its block.
                var body = generator.bytes(2900)
                for place in [432, 944, 1968] {
                    let header = BlockHeader(
                        id: log.id, salt: generator.next(), epoch: 1 + seed % 3, first: 2 + generator.next() % 9,
                        count: 1,
                        length: 100, settled: 0, chain: 0, contentCRC: 0)
                    body.withUnsafeMutableBytes {
                        _ = header.write(to: UnsafeMutableRawBufferPointer(rebasing: $0[place..<place + 80]))
                    }
                }
                disk.faults = ["pwrite": [(disk.calls["pwrite"] ?? 0) + 1: seed % 4 == 0 ? .short : .error(EIO)]]
                _ = model.append(to: log, count: 1, content: body)
            }
            disk.faults = [:]
            disk.cutPower()
            let difference = try model.difference(SegmentLog("log", .small(), files: disk))
            #expect(difference == nil, "seed \(seed)")
        }
    }

    @Test func `what a segment held in a former use is not read in the next`() throws {
        for seed in 0..<60 as Range<UInt64> {
            let disk = MemoryDisk(seed: seed, isDirect: seed % 2 == 0)
            var model = LogModel()
            for life in 0..<4 {
                do {
                    let log = try SegmentLog("log", options, files: disk)
                    let difference = try model.difference(log)
                    #expect(difference == nil, "seed \(seed)")
                    for _ in 0..<(20 + 3 * life) {
                        let isStored = model.append(to: log, count: 1, content: [UInt8](repeating: 3, count: 200))
                        #expect(isStored)
                        try model.trim(log, below: model.next - 1)
                    }
                    #expect(disk.nodes.count <= 5, "files are used again")
                    disk.faults = ["pwrite": [(disk.calls["pwrite"] ?? 0) + 1: .error(EIO)]]
                    _ = model.append(to: log, count: 1, content: [UInt8](repeating: 4, count: 700))
                }
                disk.faults = [:]
                if seed % 3 == 0 { disk.endProcess() } else { disk.cutPower() }
            }
        }
    }

    @Test func `a file that is being read, or has another name, is not used again`() throws {
        var model = try write(isClosed: true)
        let log = try SegmentLog("log", options, files: disk)
        let former = try #require(check().segments.first)
        disk.nodes[former.file]?.linkCount = 2
        try model.trim(log, below: 7)
        #expect(disk.nodes[former.file] == nil)

        for _ in 0..<4 { _ = model.append(to: log, count: 2, content: [UInt8](repeating: 1, count: 300)) }
        let pinned = try #require(check().segments.first)
        let reading = try #require(log.table.pin(pinned.first))
        try model.trim(log, below: pinned.end)
        #expect(disk.nodes[pinned.file] == nil)
        log.table.unpin(reading.header.ordinal, noting: [])
        #expect(try model.contentDifference(log) == nil)
    }

    @Test func `a log that takes a new identity goes on under it and remembers the former one`() throws {
        var model = try write(isClosed: false)
        let former = LogID(high: 1, low: 2)
        let newer = LogID(high: 3, low: 4)
        for slot in 0..<2 {
            do {
                let log = try SegmentLog("log", options, files: disk)
                if slot == 0 { try log.takeNewID(newer) }
                let difference = try model.difference(log)
                #expect(difference == nil)
                _ = model.append(to: log, count: 1, content: [8])
                #expect(log.id == newer)
                #expect(log.formerIDs.map(\.id) == [former] && log.formerIDs.map(\.end) == [13])
                guard case .record(let last) = try log.read(from: log.next - 1, maxBytes: 1).first else { return }
                #expect(last.id == newer)
            }
            disk.cutPower()
            disk.nodes["superblock"]?.seen[slot * 65536 + 9] ^= 1
        }
    }
}
