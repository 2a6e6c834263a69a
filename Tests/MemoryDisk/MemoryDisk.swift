package import CommitLog
import Glibc
package import SeededRandom

/// A file system in memory, with a disk beneath that forgets what was not flushed.
///
/// What programs see (`seen`) and what a power cut leaves (`kept`) are two things. Until a flush each sector of a write may
/// be on the disk or not. A flush that fails forgets which sectors were not written, as the kernel does: they are seen, and
/// not kept. Everything random comes from one generator, so that a seed repeats a run.
package final class MemoryDisk: LogFileSystem, @unchecked Sendable {
    package static let sectorBytes = 512

    /// How a call goes wrong.
    package enum Fault {
        case error(Int32)
        /// A write of a part.
        case short
        /// The power goes when so many bytes of a write are on the disk; `fromEnd`: its last ones.
        case cut(byteCount: Int, fromEnd: Bool)
    }

    package final class Node {
        package var seen: [UInt8] = []
        package var kept: [UInt8] = []
        /// The length that the disk knows.
        package var keptCount = 0
        /// Sectors that were written since the last flush.
        package var dirty: Set<Int> = []
        /// Sectors that a failed flush has forgotten.
        package var forgotten: Set<Int> = []
        package var linkCount = 1
    }

    package var generator: SeededGenerator
    package let isDirect: Bool
    /// The power cut may leave parts of a sector.
    package var tearsSectors = false
    /// What a failed flush forgot is seen until the power goes: memory was never needed.
    package var remembers = false
    /// What `allocate` may take in all files together.
    package var capacityBytes = Int.max
    package private(set) var nodes: [String: Node] = [:]
    private var keptNodes: [String: Node] = [:]
    private var holders: [String: Weak] = [:]
    /// The calls of each operation so far.
    package private(set) var calls: [String: Int] = [:]
    /// What happens at a call of an operation, counted from 1.
    package var faults: [String: [Int: Fault]] = [:]

    private final class Holder {}

    private struct Weak {
        weak var holder: Holder?
    }

    package init(seed: UInt64, isDirect: Bool) {
        generator = SeededGenerator(seed: seed)
        self.isDirect = isDirect
    }

    // MARK: what befalls it

    /// The process ends. What it wrote is still seen, unless memory was needed and the disk is asked again.
    package func endProcess() {
        holders = [:]
        for node in sortedNodes {
            for sector in node.forgotten.sorted() where !remembers && Bool.random(using: &generator) {
                let range = sector * Self.sectorBytes..<(sector + 1) * Self.sectorBytes
                node.seen.replaceSubrange(range, with: node.kept[range])
                node.forgotten.remove(sector)
            }
        }
    }

    /// The power goes and comes back.
    package func cutPower() {
        holders = [:]
        for node in sortedNodes + keptNodes.sorted(by: { $0.key < $1.key }).map(\.value) {
            for sector in node.dirty.sorted() { node.keep(sector, chance(), tears: tearsSectors, &generator) }
            node.dirty = []
            node.forgotten = []
            if node.keptCount < node.seen.count, Bool.random(using: &generator) { node.keptCount = node.seen.count }
            node.seen = Array(node.kept[..<node.keptCount])
            node.kept = node.seen
        }
        for name in Set(nodes.keys).union(keptNodes.keys).sorted() where nodes[name] !== keptNodes[name] {
            if Bool.random(using: &generator) { keptNodes[name] = nodes[name] }
        }
        nodes = keptNodes
    }

    private var sortedNodes: [Node] { nodes.sorted { $0.key < $1.key }.map(\.value) }

    private func chance() -> Node.Chance {
        switch UInt8.random(in: 0..<(tearsSectors ? 5 : 4), using: &generator) {
        case 0, 1: .kept
        case 2, 3: .lost
        default: .torn
        }
    }

    /// A call begins; the fault that is meant for it.
    fileprivate func call(_ operation: String) throws(SystemError) -> Fault? {
        let count = (calls[operation] ?? 0) + 1
        calls[operation] = count
        let fault = faults[operation]?[count]
        if case .error(let code) = fault, operation != "pwrite", operation != "fdatasync" {
            throw SystemError(operation, code)
        }
        return fault
    }

    // MARK: LogFileSystem

    package func makeFolder(_ path: String) throws(SystemError) {}

    package func lock(_ path: String) throws(SystemError) -> AnyObject {
        _ = try call("flock")
        guard holders[path]?.holder == nil else { throw SystemError("flock", EWOULDBLOCK) }
        let lock = Holder()
        holders[path] = Weak(holder: lock)
        return lock
    }

    package func names(in path: String) throws(SystemError) -> [String] {
        // In an order of its own, as those of real file systems are.
        nodes.keys.sorted().reversed()
    }

    package func open(_ path: String, _ mode: LogFileMode) throws(SystemError) -> any LogFile {
        _ = try call("open")
        let name = String(path.split(separator: "/").last ?? "")
        if mode == .create {
            guard nodes[name] == nil else { throw SystemError("open", EEXIST) }
            nodes[name] = Node()
        }
        guard let node = nodes[name] else { throw SystemError("open", ENOENT) }
        return MemoryFile(self, node, isDurable: isDirect && mode == .commit)
    }

    package func unlink(_ path: String) throws(SystemError) {
        _ = try call("unlink")
        nodes[String(path.split(separator: "/").last ?? "")] = nil
    }

    package func syncFolder(_ path: String) throws(SystemError) {
        _ = try call("fsync")
        keptNodes = nodes
    }

    fileprivate func allocate(_ node: Node, _ byteCount: Int) throws(SystemError) {
        _ = try call("fallocate")
        let taken = nodes.values.reduce(0) { $0 + $1.seen.count }
        guard byteCount > node.seen.count else { return }
        guard taken + byteCount - node.seen.count <= capacityBytes else { throw SystemError("fallocate", ENOSPC) }
        node.seen += [UInt8](repeating: 0, count: byteCount - node.seen.count)
        node.kept += [UInt8](repeating: 0, count: byteCount - node.kept.count)
    }
}

extension MemoryDisk.Node {
    package enum Chance {
        case kept, lost, torn
    }

    /// What becomes of one sector that was not flushed.
    package func keep(_ sector: Int, _ chance: Chance, tears: Bool, _ generator: inout SeededGenerator) {
        let range = sector * MemoryDisk.sectorBytes..<(sector + 1) * MemoryDisk.sectorBytes
        switch chance {
        case .kept: kept.replaceSubrange(range, with: seen[range])
        case .lost: break
        case .torn:
            let border = Int.random(in: range, using: &generator)
            kept.replaceSubrange(border..<range.upperBound, with: seen[border..<range.upperBound])
        }
    }

    /// Bytes as a program sees them and as the disk keeps them.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int, isKept: Bool) {
        seen.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[offset...]).copyMemory(from: bytes) }
        let first = offset / MemoryDisk.sectorBytes
        let sectors = first..<first + bytes.count / MemoryDisk.sectorBytes
        forgotten.subtract(sectors)
        if isKept {
            kept.withUnsafeMutableBytes {
                UnsafeMutableRawBufferPointer(rebasing: $0[offset...]).copyMemory(from: bytes)
            }
            dirty.subtract(sectors)
        } else {
            dirty.formUnion(sectors)
        }
    }
}

private final class MemoryFile: LogFile {
    private let disk: MemoryDisk
    private let node: MemoryDisk.Node
    private let isDurable: Bool

    init(_ disk: MemoryDisk, _ node: MemoryDisk.Node, isDurable: Bool) {
        self.disk = disk
        self.node = node
        self.isDurable = isDurable
    }

    var alignment: Int { MemoryDisk.sectorBytes }
    var isDirect: Bool { disk.isDirect }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        precondition(
            offset % alignment == 0 && bytes.count % alignment == 0 && Int(bitPattern: bytes.baseAddress) % 512 == 0,
            "writes are aligned")
        precondition(offset + bytes.count <= node.seen.count, "nothing is written where no space was taken")
        switch try disk.call("pwrite") {
        case nil: node.write(bytes, at: offset, isKept: isDurable)
        case .error(EINTR): throw SystemError("pwrite", EINTR)
        case .error(let code):
            for sector in stride(from: 0, to: bytes.count, by: alignment) where Bool.random(using: &disk.generator) {
                let part = UnsafeRawBufferPointer(rebasing: bytes[sector..<sector + alignment])
                node.write(part, at: offset + sector, isKept: false)
            }
            throw SystemError("pwrite", code)
        case .short:
            let count = Int.random(in: 0..<bytes.count / alignment, using: &disk.generator) * alignment
            node.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: offset, isKept: isDurable)
            return count
        case .cut(let count, let isFromEnd):
            let range = isFromEnd ? bytes.count - count..<bytes.count : 0..<count
            node.kept.replaceSubrange(offset + range.lowerBound..<offset + range.upperBound, with: bytes[range])
            throw SystemError("pwrite", EIO)
        }
        return bytes.count
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        precondition(offset % alignment == 0 && bytes.count % alignment == 0, "reads are aligned")
        _ = try disk.call("pread")
        let count = max(0, min(bytes.count, node.seen.count - offset))
        guard count > 0 else { return 0 }
        node.seen.withUnsafeBytes { seen in
            bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: seen[offset..<offset + count]))
        }
        return count
    }

    func allocate(byteCount: Int) throws(SystemError) { try disk.allocate(node, byteCount) }

    func flush() throws(SystemError) {
        switch try disk.call("fdatasync") {
        case .error(let code):
            if code == EINTR { throw SystemError("fdatasync", code) }
            for sector in node.dirty.sorted() where Bool.random(using: &disk.generator) {
                node.keep(sector, .kept, tears: false, &disk.generator)
            }
            node.forgotten.formUnion(node.dirty)
            node.dirty = []
            throw SystemError("fdatasync", code)
        default:
            for sector in node.dirty { node.keep(sector, .kept, tears: false, &disk.generator) }
            node.dirty = []
            node.keptCount = node.seen.count
        }
    }

    func byteCount() throws(SystemError) -> Int { node.seen.count }
    func linkCount() throws(SystemError) -> Int { node.linkCount }
}

extension MemoryDisk {
    /// Changes a bit of the first place that holds a text, in a file whose name begins so.
    package func flip(in prefix: String, _ text: String) {
        let text = Array(text.utf8)
        for node in nodes.filter({ $0.key.hasPrefix(prefix) }).map(\.value) {
            guard
                let place = node.seen.indices.first(where: { node.seen[$0...].starts(with: text) })
            else { continue }
            node.seen[place] ^= 1
            node.kept[place] ^= 1
            return
        }
        preconditionFailure("\(text) is nowhere")
    }
}
