/// W3C Trace Context (www.w3.org/TR/trace-context, section 3.2): a sender's `traceparent` travels with its webhook, is an
/// attribute of the events (CloudEvents distributed tracing extension) and a header field of their deliveries.
package enum TraceContext {
    /// The name of the header field and of the attribute.
    package static let name: StaticString = "traceparent"

    /// `{version}-{trace id}-{parent id}-{flags}` in lower-case hexadecimal digits, of version 00 or later, with neither
    /// id all zeros. A later version may go on behind another hyphen.
    package static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        guard (55...256).contains(text.count), text[2] == hyphen, text[35] == hyphen, text[52] == hyphen,
            areDigits(text[0..<2]), areDigits(text[3..<35]), areDigits(text[36..<52]), areDigits(text[53..<55]),
            text[3..<35].contains(where: { $0 != zero }), text[36..<52].contains(where: { $0 != zero }),
            !(text[0] == UInt8(ascii: "f") && text[1] == UInt8(ascii: "f"))
        else { return false }
        guard text.count > 55 else { return true }
        let isFirst = text[0] == zero && text[1] == zero
        return !isFirst && text[55] == hyphen && text[56...].allSatisfy { $0 == hyphen || isDigit($0) }
    }

    private static let hyphen = UInt8(ascii: "-")
    private static let zero = UInt8(ascii: "0")

    private static func areDigits(_ text: Slice<UnsafeRawBufferPointer>) -> Bool { text.allSatisfy(isDigit) }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
