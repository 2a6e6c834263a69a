import Events
import SimdJSON
import Wire

/// Holds canonical events to what every subscriber relies on.
final class EventJudge {
    private let reader = JSONReader(fields: [], redactions: [])
    private var rendered = ByteWriter()

    /// `record` has an events section; elements in `refused` must have no event.
    func judge(_ record: [UInt8], refused: [UInt32]) {
        must(Set(refused).count == refused.count, "an element is refused once")
        record.withUnsafeBytes { bytes in
            guard let view = try? EnvelopeView(bytes), view.section(.events) != nil else {
                fatalError("broken: a normalised record has an events section")
            }
            do {
                try view.forEachEvent { event in
                    must(!refused.contains(event.element), "a refused element has no event")
                    judge(event)
                }
            } catch {
                fatalError("broken: the events section cannot be read: \(error)")
            }
        }
    }

    private func judge(_ event: CanonicalEventView) {
        var names: [String] = []
        AttributeList(event.attributeBytes).forEach { name, value in
            names.append(String(decoding: name, as: UTF8.self))
            must(!value.isEmpty, "an attribute is not empty")
            must(String(validating: value, as: UTF8.self) != nil, "an attribute is UTF-8")
            for scalar in String(decoding: value, as: UTF8.self).unicodeScalars {
                must(!Self.isForbidden(scalar), "an attribute holds no control character and no noncharacter")
            }
            return true
        }
        must(Set(names).count == names.count, "an attribute stands once")
        must(names.count == Int(event.attributeCount), "the attributes are as many as are announced")
        for required in ["id", "source", "type", "time", "timesource", "provider"] {
            must(names.contains(required), "the attribute \(required) is there")
        }
        must(Self.isTime(event.attribute("time")), "the time is an RFC 3339 time stamp in UTC")
        render(event, payload: nil)
        // A payload may be as deep as is allowed, which inside an event is one too deep; so it is read by itself.
        let contentType = event.attribute("datacontenttype")
        if let payload = event.payload, contentType.map({ $0.equals("application/json") }) == true {
            must(StrictJSON.verdict(payload) == .valid, "JSON data is JSON")
        }
        render(event, payload: event.payload)
    }

    private func render(_ event: CanonicalEventView, payload: UnsafeRawBufferPointer?) {
        rendered.bytes.removeAll(keepingCapacity: true)
        CloudEventsJSON.render(
            attributes: event.attributeBytes, payload: payload,
            receivedAtNanoseconds: HostileRequest.receivedAtNanoseconds, position: 1, to: &rendered)
        rendered.bytes.withUnsafeBytes { json in
            let code = reader.read(json)
            must(code == nil || (payload != nil && code == .bodyTooDeep), "a rendered event is a JSON object")
            must(StrictJSON.verdict(json) != .invalid, "a rendered event is strict JSON")
        }
    }

    /// What CloudEvents 1.0.2 forbids in a String attribute: control characters and noncharacters. Surrogates are no
    /// scalars.
    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.properties.isNoncharacterCodePoint
    }

    /// `2026-01-01T00:00:00Z`, also with a fraction.
    private static func isTime(_ text: UnsafeRawBufferPointer?) -> Bool {
        guard let text, text.count >= 20, text.last == UInt8(ascii: "Z") else { return false }
        for (byte, shape) in zip(text, "dddd-dd-ddTdd:dd:dd".utf8) {
            let isDigit = (0x30...0x39).contains(byte)
            guard shape == UInt8(ascii: "d") ? isDigit : byte == shape else { return false }
        }
        let fraction = text.dropFirst(19).dropLast()
        guard let first = fraction.first else { return true }
        return first == UInt8(ascii: ".") && fraction.count > 1
            && fraction.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
    }
}
