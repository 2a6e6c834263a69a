package import Wire

/// RFC 3339 time stamps in UTC with nanoseconds, written without Foundation.
package enum CloudEventsTime {
    /// Appends `2026-10-05T14:49:14.142187951Z`, 30 bytes, for nanoseconds since 1970.
    package static func write(nanoseconds: Int64, to writer: inout ByteWriter) {
        let seconds = floorDivide(nanoseconds, 1_000_000_000)
        let fraction = nanoseconds &- seconds &* 1_000_000_000
        let days = floorDivide(seconds, 86_400)
        let second = seconds &- days &* 86_400
        let date = civil(daysSince1970: days)
        digits(date.year, 4, to: &writer)
        writer.u8(UInt8(ascii: "-"))
        digits(date.month, 2, to: &writer)
        writer.u8(UInt8(ascii: "-"))
        digits(date.day, 2, to: &writer)
        writer.u8(UInt8(ascii: "T"))
        digits(second / 3600, 2, to: &writer)
        writer.u8(UInt8(ascii: ":"))
        digits(second / 60 % 60, 2, to: &writer)
        writer.u8(UInt8(ascii: ":"))
        digits(second % 60, 2, to: &writer)
        writer.u8(UInt8(ascii: "."))
        digits(fraction, 9, to: &writer)
        writer.u8(UInt8(ascii: "Z"))
    }

    /// The same as text, for the admin endpoint.
    package static func text(nanoseconds: Int64) -> String {
        var writer = ByteWriter(reservingBytes: 30)
        write(nanoseconds: nanoseconds, to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Appends a decimal number with leading zeros; digits beyond `width` are cut on the left.
    static func digits(_ value: Int64, _ width: Int, to writer: inout ByteWriter) {
        var divisor: Int64 = 1
        for _ in 1..<width { divisor *= 10 }
        var rest = value
        for _ in 0..<width {
            writer.u8(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest / divisor % 10))
            rest %= divisor
            divisor = max(1, divisor / 10)
        }
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    /// The civil date of a day number, after Howard Hinnant's `civil_from_days`; eras of 400 years begin in March.
    private static func civil(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = daysSince1970 + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
