import Primitives
import Wire

/// The header fields that the checks of one source ask for, found in one pass over the head without allocation. The
/// values belong to the head read last. Belongs to one thread.
final class HeadFields {
    private var names: [[UInt8]] = []
    private var values: [UnsafeRawBufferPointer?] = []
    private var counts: [Int] = []
    /// Bit n: a name of n bytes is among them, the last bit stands for longer ones. Most fields end here.
    private var lengths: UInt64 = 0

    /// The place of the field with that lower-case name, which is read from now on.
    func slot(_ name: String) -> Int {
        let bytes = Array(name.utf8)
        if let known = names.firstIndex(of: bytes) { return known }
        names.append(bytes)
        values.append(nil)
        counts.append(0)
        lengths |= Self.bit(bytes.count)
        return names.count - 1
    }

    func read(_ head: RequestHead) {
        guard !names.isEmpty else { return }
        for slot in names.indices {
            values[slot] = nil
            counts[slot] = 0
        }
        let lengths = lengths
        head.forEachField { name, value in
            if lengths & Self.bit(name.count) != 0 { note(name, value) }
            return true
        }
    }

    private func note(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard let slot = names.firstIndex(where: { name.equals($0) }) else { return }
        counts[slot] += 1
        if counts[slot] == 1 { values[slot] = value }
    }

    private static func bit(_ length: Int) -> UInt64 { 1 << UInt64(min(length, 63)) }

    /// The value of the first field at that place; nil where there is none or it is empty.
    func value(_ slot: Int) -> UnsafeRawBufferPointer? {
        guard let value = values[slot], !value.isEmpty else { return nil }
        return value
    }

    /// Whether the request has the field more than once.
    func isRepeated(_ slot: Int) -> Bool { counts[slot] > 1 }
}
