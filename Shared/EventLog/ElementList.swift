/// The indices of a batch's refused elements, stored compactly: LEB128 of the distances between them, so that a
/// thousand neighbours take a thousand bytes.
enum ElementList {
    /// `elements` are ascending.
    static func encoded(_ elements: [UInt32]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(elements.count)
        var last: UInt32 = 0
        for element in elements {
            var distance = element &- last
            while distance >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: distance) | 0x80)
                distance >>= 7
            }
            bytes.append(UInt8(distance))
            last = element
        }
        return bytes
    }

    /// What is damaged reads as fewer elements.
    static func decoded(_ bytes: [UInt8]) -> [UInt32] {
        var elements: [UInt32] = []
        var last: UInt32 = 0
        var distance: UInt32 = 0
        var shift: UInt32 = 0
        for byte in bytes {
            guard shift < 32 else { break }
            distance |= UInt32(byte & 0x7F) << shift
            shift += 7
            if byte & 0x80 != 0 { continue }
            last = last &+ distance
            elements.append(last)
            (distance, shift) = (0, 0)
        }
        return elements
    }
}
