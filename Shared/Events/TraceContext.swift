package import Wire

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

    /// Ids and the sampled flag of a valid text.
    package struct Ids: Equatable, Sendable {
        package var trace: UInt128
        package var span: UInt64
        package var isSampled: Bool

        /// Nil where `text` is no trace context.
        package init?(_ text: UnsafeRawBufferPointer) {
            guard isValid(text) else { return nil }
            trace = number(text[3..<35])
            span = UInt64(truncatingIfNeeded: number(text[36..<52]))
            isSampled = number(text[53..<55]) & 1 == 1
        }

        /// Of a trace that begins here; its span is that of the ingress.
        package init(starting trace: UInt128) {
            (self.trace, isSampled) = (max(1, trace), true)
            span = Self.ingressSpan(of: self.trace)
        }

        /// Whether the trace began at an ingress, and not at the sender.
        package var isOwn: Bool { span == Self.ingressSpan(of: trace) }

        /// Whether a share of all traces has this one; the same wherever it is asked for.
        package func lies(in share: Double) -> Bool {
            Double(UInt64(truncatingIfNeeded: trace) >> 11) < share * 0x1p53
        }

        /// `traceparent`, 55 characters.
        package var text: String {
            "00-\(TraceContext.text(trace, digits: 32))-\(TraceContext.text(UInt128(span), digits: 16))-0\(isSampled ? 1 : 0)"
        }

        private static func ingressSpan(of trace: UInt128) -> UInt64 {
            max(1, UInt64(truncatingIfNeeded: trace >> 64) ^ UInt64(truncatingIfNeeded: trace) &* 0x9E37_79B9_7F4A_7C15)
        }
    }

    private static func text(_ number: UInt128, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }

    /// Of lower-case hexadecimal digits.
    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> UInt128 {
        digits.reduce(0) { $0 << 4 | UInt128($1 < 0x3A ? $1 - 0x30 : $1 - 0x57) }
    }

    /// Appends what an envelope has of a trace: the sender's context, or where it sent none, the beginning of one for a
    /// share of all webhooks.
    package static func write(_ sent: String?, startingShare share: Double, to writer: inout ByteWriter) {
        var text = sent ?? ""
        if text.isEmpty || !text.withUTF8({ isValid(UnsafeRawBufferPointer($0)) }) {
            guard share > 0 else { return }
            let started = Ids(starting: .random(in: 1 ... .max))
            guard started.lies(in: share) else { return }
            text = started.text
        }
        writer.section(.traceContext) { $0.raw(Array(text.utf8)) }
    }

    private static let hyphen = UInt8(ascii: "-")
    private static let zero = UInt8(ascii: "0")

    private static func areDigits(_ text: Slice<UnsafeRawBufferPointer>) -> Bool { text.allSatisfy(isDigit) }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
