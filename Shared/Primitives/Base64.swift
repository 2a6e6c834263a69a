package import Wire

/// Base64 with the standard alphabet and padding (RFC 4648, section 4), strictly: every byte sequence has exactly one
/// spelling, so that no other spelling of a signature passes for it.
package enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let urlAlphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    /// How a text is written.
    package enum Spelling: Sendable {
        /// `+`, `/` and padding (RFC 4648, section 4).
        case standard
        /// `-`, `_` and no padding (RFC 7515, section 2).
        case urlUnpadded
    }

    /// The decoded bytes; nil for anything that has another spelling.
    package static func decode(_ text: UnsafeRawBufferPointer, as spelling: Spelling = .standard) -> [UInt8]? {
        let room = text.count / 4 * 3 + 3
        var isRight = true
        let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            let decoded = decode(text, as: spelling, into: UnsafeMutableRawBufferPointer(buffer))
            isRight = decoded != nil
            count = decoded ?? 0
        }
        return isRight ? bytes : nil
    }

    /// Decodes into `bytes` and returns how many there are; nil for anything that has another spelling, or where they
    /// have no room.
    package static func decode(
        _ text: UnsafeRawBufferPointer, as spelling: Spelling = .standard, into bytes: UnsafeMutableRawBufferPointer
    ) -> Int? {
        var length = text.count
        if spelling == .standard {
            guard length.isMultiple(of: 4) else { return nil }
            for _ in 0..<2 where length > 0 && text[length - 1] == UInt8(ascii: "=") { length -= 1 }
        }
        guard length % 4 != 1, length / 4 * 3 + length % 4 * 3 / 4 <= bytes.count else { return nil }
        var accumulated: UInt32 = 0
        var bits: UInt32 = 0
        var count = 0
        for place in 0..<length {
            guard let value = digit(text[place], spelling) else { return nil }
            accumulated = accumulated << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes[count] = UInt8(truncatingIfNeeded: accumulated >> bits)
                count += 1
            }
        }
        return accumulated & ((1 << bits) - 1) == 0 ? count : nil
    }

    /// The bytes of what dashboards show: with padding, or without.
    package static func decode(unpadded text: some Collection<UInt8>) -> [UInt8]? {
        var padded = Array(text)
        if !padded.contains(UInt8(ascii: "=")) {
            while padded.count % 4 != 0 { padded.append(UInt8(ascii: "=")) }
        }
        return padded.withUnsafeBytes { decode($0) }
    }

    /// Appends the text of `bytes`.
    package static func encode(
        _ bytes: UnsafeRawBufferPointer, as spelling: Spelling = .standard, to writer: inout ByteWriter
    ) {
        let alphabet = spelling == .standard ? alphabet.bytes : urlAlphabet.bytes
        writer.append((bytes.count + 2) / 3 * 4) { text in
            var (index, place) = (0, 0)
            while index < bytes.count {
                let second = index + 1 < bytes.count ? bytes[index + 1] : 0
                let third = index + 2 < bytes.count ? bytes[index + 2] : 0
                let group = UInt32(bytes[index]) << 16 | UInt32(second) << 8 | UInt32(third)
                text[place] = alphabet[Int(group >> 18)]
                text[place + 1] = alphabet[Int(group >> 12 & 63)]
                text[place + 2] = index + 1 < bytes.count ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "=")
                text[place + 3] = index + 2 < bytes.count ? alphabet[Int(group & 63)] : UInt8(ascii: "=")
                (index, place) = (index + 3, place + 4)
            }
        }
        if spelling == .urlUnpadded { writer.bytes.removeLast((3 - bytes.count % 3) % 3) }
    }

    /// The text of `bytes`.
    package static func encode(_ bytes: UnsafeRawBufferPointer, as spelling: Spelling = .standard) -> String {
        var writer = ByteWriter(reservingBytes: (bytes.count + 2) / 3 * 4)
        encode(bytes, as: spelling, to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func digit(_ character: UInt8, _ spelling: Spelling) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+") where spelling == .standard: 62
        case UInt8(ascii: "/") where spelling == .standard: 63
        case UInt8(ascii: "-") where spelling == .urlUnpadded: 62
        case UInt8(ascii: "_") where spelling == .urlUnpadded: 63
        default: nil
        }
    }
}
