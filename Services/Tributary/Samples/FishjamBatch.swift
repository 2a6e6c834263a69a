/// Fishjam's `notification_batch` (field 33 of `ServerMessage`, whose field 1 is repeated), as newer versions send it.
enum FishjamBatch {
    /// A batch of so many times the same notification.
    static func of(_ count: Int, _ notification: [UInt8]) -> [UInt8] {
        let element = lengthDelimited(field: 1, notification)
        return lengthDelimited(field: 33, (0..<count).flatMap { _ in element })
    }

    /// Protocol Buffers encoding, "Length-Delimited Records": tag, length, bytes.
    private static func lengthDelimited(field: Int, _ bytes: [UInt8]) -> [UInt8] {
        varint(field << 3 | 2) + varint(bytes.count) + bytes
    }

    private static func varint(_ number: Int) -> [UInt8] {
        var rest = number
        var bytes: [UInt8] = []
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
