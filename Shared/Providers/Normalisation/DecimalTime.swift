import Primitives
import Providers
import SimdJSON

/// Numbers of seconds, milliseconds or nanoseconds since 1970, as providers write them: with sign, fraction and exponent.
/// They are moved by their decimal point, never through a Double, so every digit down to the nanosecond is kept.
struct DecimalTime: Equatable {
    let seconds: Int64
    /// Nanoseconds of the second, 0 to 999 999 999.
    let fraction: Int64

    /// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: the years that RFC 3339 can write.
    private static let writable: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// The most digits that are looked at; more name no time.
    private static let mostDigits = 64

    /// Reads a JSON number, or the same as text. Nil where it is none, or lies outside the years 0 to 9999. What is
    /// finer than a nanosecond is cut.
    init?(_ text: UnsafeRawBufferPointer, unit: TimeUnit) {
        guard let number = Number(text) else { return nil }
        let shift =
            switch unit {
            case .seconds: 9
            case .milliseconds: 6
            case .nanoseconds: 0
            case .rfc3339: 9
            }
        // The number is 0.d1d2d3… × 10^point; in nanoseconds its point lies `shift` further right.
        let point = number.point + shift
        var seconds: Int64 = 0
        var fraction: Int64 = 0
        guard point <= 9 + 12 else { return nil }
        for place in 0..<max(point, 0) {
            let digit = place < number.digits.count ? Int64(number.digits[place]) : 0
            if place < point - 9 {
                seconds = seconds * 10 + digit
            } else {
                fraction = fraction * 10 + digit
            }
        }
        if number.isNegative, seconds != 0 || fraction != 0 {
            seconds = fraction > 0 ? -seconds - 1 : -seconds
            fraction = fraction > 0 ? 1_000_000_000 - fraction : 0
        }
        guard Self.writable.contains(seconds) else { return nil }
        self.seconds = seconds
        self.fraction = fraction
    }

    /// The grammar of a JSON number (RFC 8259, section 6), without leading zeros in `digits`.
    private struct Number {
        var isNegative = false
        var digits: [UInt8] = []
        /// How many of `digits` stand before the decimal point; less than none where zeros follow it.
        var point = 0

        init?(_ text: UnsafeRawBufferPointer) {
            guard text.count <= DecimalTime.mostDigits else { return nil }
            var rest = text[...]
            isNegative = rest.first == UInt8(ascii: "-")
            if isNegative { rest = rest.dropFirst() }
            let whole = rest.prefix(while: \.isDigit)
            guard let first = whole.first, whole.count == 1 || first != UInt8(ascii: "0") else { return nil }
            rest = rest.dropFirst(whole.count)
            append(whole, isWhole: true)
            if rest.first == UInt8(ascii: ".") {
                let fraction = rest.dropFirst().prefix(while: \.isDigit)
                guard !fraction.isEmpty else { return nil }
                rest = rest.dropFirst(fraction.count + 1)
                append(fraction, isWhole: false)
            }
            guard let exponent = Self.exponent(rest) else { return nil }
            // Zero has no first digit; its point may stand anywhere.
            point = digits.isEmpty ? 0 : point + exponent
        }

        private mutating func append(_ text: Slice<UnsafeRawBufferPointer>, isWhole: Bool) {
            for character in text {
                let digit = character - UInt8(ascii: "0")
                if digit == 0, digits.isEmpty {
                    if !isWhole { point -= 1 }
                } else {
                    digits.append(digit)
                    if isWhole { point += 1 }
                }
            }
        }

        /// 0 for no exponent; nil for what is none, or beyond every time.
        private static func exponent(_ text: Slice<UnsafeRawBufferPointer>) -> Int? {
            guard let mark = text.first else { return 0 }
            guard mark | 0x20 == UInt8(ascii: "e") else { return nil }
            var rest = text.dropFirst()
            let isNegative = rest.first == UInt8(ascii: "-")
            if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
            guard (1...3).contains(rest.count), rest.allSatisfy(\.isDigit) else { return nil }
            let value = rest.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
            return isNegative ? -value : value
        }
    }
}

extension EventDraft {
    /// Takes over the provider's time from the first of `slots` that holds one in `unit`: RFC 3339 text, or a number or
    /// text that holds one.
    mutating func takeTime(_ slots: [Int], in unit: TimeUnit, of reader: JSONReader) {
        for slot in slots where time.isEmpty {
            if unit == .rfc3339 {
                if let text = reader.string(slot) { _ = EventTime.append(text: text, to: &time) }
            } else if let text = reader.number(slot) ?? reader.string(slot),
                let decimal = DecimalTime(text, unit: unit)
            {
                RFC3339.append(seconds: decimal.seconds, fraction: decimal.fraction, digits: nil, to: &time)
            }
        }
    }
}
