#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Finds the place of a name in a fixed set without making a `String` of it: binary search over sorted bytes.
package struct ByteIndex: Sendable {
    private var names: [[UInt8]]
    private var places: [Int]

    /// Where a name is given twice, its first place counts.
    package init(_ names: [[UInt8]]) {
        let order = names.indices.sorted { Self.compare(names[$0], names[$1]) < 0 }
        self.names = order.map { names[$0] }
        places = order
    }

    /// The place of `name` in the list that this was made of; nil if it is not there.
    package func place(of name: UnsafeRawBufferPointer) -> Int? {
        var low = 0
        var high = names.count
        while low < high {
            let middle = (low + high) / 2
            if names[middle].withUnsafeBytes({ Self.compare($0, name) }) < 0 {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < names.count, names[low].withUnsafeBytes({ Self.compare($0, name) }) == 0 else { return nil }
        return places[low]
    }

    private static func compare(_ first: [UInt8], _ second: [UInt8]) -> Int32 {
        first.withUnsafeBytes { left in second.withUnsafeBytes { compare(left, $0) } }
    }

    private static func compare(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Int32 {
        let shared = min(first.count, second.count)
        if shared > 0, let left = first.baseAddress, let right = second.baseAddress {
            let order = memcmp(left, right, shared)
            if order != 0 { return order }
        }
        return Int32(clamping: first.count - second.count)
    }
}
