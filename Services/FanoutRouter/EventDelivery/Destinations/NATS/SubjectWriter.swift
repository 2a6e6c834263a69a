import EventLog
import Events
import PipelineConfiguration
import Wire

extension SubjectTemplate {
    /// The longest part that an attribute has of a subject; the rest of it is left out.
    private static let mostAttributeBytes = 255

    /// The subject of an event. Of an attribute, what is not a letter, a digit, `-` or `_` becomes `_`, the characters that
    /// NATS recommends, so that an attribute is one token; `type` keeps its dots and so is several. What an event does not
    /// have is `_`.
    func subject(of content: DeliveryContent) -> String {
        content.withRecord { record in
            let attributes = EventAttributes(record)
            var subject: [UInt8] = []
            for part in parts {
                switch part {
                case .text(let text): subject += text.utf8
                case .attribute(.source): Self.append(attributes.source, to: &subject)
                case .attribute(.type): Self.append(attributes.type, keepingDots: true, to: &subject)
                case .attribute(.provider): Self.append(attributes.provider, to: &subject)
                case .attribute(.subject): Self.append(attributes.subject, to: &subject)
                case .attribute(.partitionkey): Self.append(attributes.key, to: &subject)
                }
            }
            return String(decoding: subject, as: UTF8.self)
        } ?? ""
    }

    private static func append(
        _ value: UnsafeRawBufferPointer, keepingDots: Bool = false, to subject: inout [UInt8]
    ) {
        let start = subject.count
        for byte in value.prefix(mostAttributeBytes) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                subject.append(byte)
            // No token of a subject is empty.
            case UInt8(ascii: ".") where keepingDots && subject.count > start && subject.last != byte:
                subject.append(byte)
            default: subject.append(UInt8(ascii: "_"))
            }
        }
        if subject.count == start || subject.last == UInt8(ascii: ".") { subject.append(UInt8(ascii: "_")) }
    }
}
