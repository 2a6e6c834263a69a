package import Wire

/// Renders a canonical event as structured CloudEvents 1.0 JSON (CloudEvents JSON format 1.0.2), step 7 of the way.
///
/// The attributes come as the normaliser wrote them; `specversion`, `recordedtime` and `sequence` are added here. JSON
/// data is copied through byte for byte, anything else goes into `data_base64`.
package enum CloudEventsJSON {
    /// The media type of one event in structured mode.
    package static let contentType = "application/cloudevents+json"

    /// Appends one JSON object. `position` becomes `sequence`, padded to 20 digits so that text order is log order.
    package static func render(
        attributes: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer?, receivedAtNanoseconds: Int64,
        position: UInt64, to writer: inout ByteWriter
    ) {
        raw("{\"specversion\":\"1.0\"", to: &writer)
        var isJSON = true
        AttributeList(attributes).forEach { name, value in
            guard isRenderable(name) else { return true }
            if name.equals("datacontenttype") { isJSON = holdsJSON(value) }
            raw(",\"", to: &writer)
            writer.raw(name)
            raw("\":\"", to: &writer)
            JSONString.escape(value, to: &writer)
            raw("\"", to: &writer)
            return true
        }
        raw(",\"recordedtime\":\"", to: &writer)
        CloudEventsTime.write(nanoseconds: receivedAtNanoseconds, to: &writer)
        raw("\",\"sequence\":\"", to: &writer)
        sequence(position, to: &writer)
        raw("\"", to: &writer)
        if let payload, !payload.isEmpty {
            if isJSON {
                raw(",\"data\":", to: &writer)
                writer.raw(payload)
            } else {
                raw(",\"data_base64\":\"", to: &writer)
                Base64.encode(payload, to: &writer)
                raw("\"", to: &writer)
            }
        }
        raw("}", to: &writer)
    }

    /// Attribute names are lower-case letters and digits (CloudEvents 1.0.2, "Naming conventions"); what the router
    /// adds itself must not appear twice.
    package static func isRenderable(_ name: UnsafeRawBufferPointer) -> Bool {
        guard !name.isEmpty else { return false }
        for byte in name {
            let isLetter = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
            let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
            guard isLetter || isDigit else { return false }
        }
        return !name.equals("specversion") && !name.equals("recordedtime") && !name.equals("sequence")
            && !name.equals("data")
    }

    /// `application/json`, any `+json`, each with or without parameters.
    private static func holdsJSON(_ mediaType: UnsafeRawBufferPointer) -> Bool {
        let essence = UnsafeRawBufferPointer(rebasing: mediaType.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 })
        for suffix in ["/json", "+json"] as [StaticString] where essence.count >= suffix.bytes.count {
            let tail = UnsafeRawBufferPointer(rebasing: essence.suffix(suffix.bytes.count))
            if tail.elementsEqual(suffix.bytes, by: { $0 | 0x20 == $1 | 0x20 }) { return true }
        }
        return false
    }

    /// The CloudEvents attribute `sequence`: 20 digits, so that text order is log order.
    package static func sequence(_ position: UInt64, to writer: inout ByteWriter) {
        var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
        var rest = position
        var index = 19
        while rest > 0 {
            digits[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
            index -= 1
        }
        for index in 0..<20 { writer.u8(digits[index]) }
    }

    private static func raw(_ text: StaticString, to writer: inout ByteWriter) {
        writer.raw(text.bytes)
    }
}

/// Writes the inside of a JSON string (RFC 8259, section 7).
package enum JSONString {
    /// Appends `text` escaped, without quotes. Bytes that are not UTF-8 are repaired with U+FFFD.
    package static func escape(_ text: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        var isASCII = true
        var isPlain = true
        for byte in text {
            if byte >= 0x80 { isASCII = false }
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { isPlain = false }
        }
        if isASCII && isPlain {
            writer.raw(text)
        } else if isASCII {
            for byte in text { escape(byte, to: &writer) }
        } else {
            for byte in String(decoding: text, as: UTF8.self).utf8 { escape(byte, to: &writer) }
        }
    }

    private static func escape(_ byte: UInt8, to writer: inout ByteWriter) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            writer.u8(UInt8(ascii: "\\"))
            writer.u8(byte)
        case 0..<0x20:
            for digit in "\\u00".utf8 { writer.u8(digit) }
            writer.u8(byte >> 4 == 0 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
            let low = byte & 0xF
            writer.u8(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default:
            writer.u8(byte)
        }
    }
}
