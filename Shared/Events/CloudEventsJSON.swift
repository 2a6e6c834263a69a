import JSON
import Primitives
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
        let isOpen = renderHead(
            attributes: attributes, payload: payload, receivedAtNanoseconds: receivedAtNanoseconds, position: position,
            to: &writer)
        guard isOpen, let payload else { return }
        writer.raw(payload)
        raw(end, to: &writer)
    }

    /// What stands behind data that is copied through.
    package static let end: StaticString = "}"

    /// Appends all but the data, if that is copied through, and what stands behind it; the whole object otherwise. Returns
    /// whether both are still to come.
    package static func renderHead(
        attributes: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer?, receivedAtNanoseconds: Int64,
        position: UInt64, to writer: inout ByteWriter
    ) -> Bool {
        raw("{\"specversion\":\"1.0", to: &writer)
        var isJSON = true
        let (beforeName, behindName): (StaticString, StaticString) = ("\",\"", "\":\"")
        AttributeList(attributes).forEach { name, value in
            guard isRenderable(name) else { return true }
            if name.equals("datacontenttype") { isJSON = holdsJSON(value) }
            writer.append(name.count + 6) { text in
                text.copyBytes(from: beforeName.bytes)
                UnsafeMutableRawBufferPointer(rebasing: text[3...]).copyBytes(from: name)
                UnsafeMutableRawBufferPointer(rebasing: text[(3 + name.count)...]).copyBytes(
                    from: behindName.bytes)
            }
            JSONString.append(repairing: value, to: &writer.bytes)
            return true
        }
        raw("\",\"recordedtime\":\"", to: &writer)
        RFC3339.append(nanoseconds: receivedAtNanoseconds, digits: 9, to: &writer.bytes)
        raw("\",\"sequence\":\"", to: &writer)
        sequence(position, to: &writer)
        raw("\"", to: &writer)
        if let payload, !payload.isEmpty {
            if isJSON {
                raw(",\"data\":", to: &writer)
                return true
            }
            raw(",\"data_base64\":\"", to: &writer)
            Base64.encode(payload, to: &writer)
            raw("\"", to: &writer)
        }
        raw(end, to: &writer)
        return false
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
    package static func holdsJSON(_ mediaType: UnsafeRawBufferPointer) -> Bool {
        let essence = UnsafeRawBufferPointer(rebasing: mediaType.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 })
        for suffix in ["/json", "+json"] as [StaticString] where essence.count >= suffix.bytes.count {
            let tail = UnsafeRawBufferPointer(rebasing: essence.suffix(suffix.bytes.count))
            if tail.elementsEqual(suffix.bytes, by: { $0 | 0x20 == $1 | 0x20 }) { return true }
        }
        return false
    }

    /// The CloudEvents attribute `sequence`: 20 digits, so that text order is log order.
    package static func sequence(_ position: UInt64, to writer: inout ByteWriter) {
        writer.append(20) { digits in
            var rest = position
            for index in stride(from: 19, through: 0, by: -1) {
                digits[index] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
        }
    }

    private static func raw(_ text: StaticString, to writer: inout ByteWriter) {
        writer.raw(text.bytes)
    }
}
