/// Times in every form of RFC 3339, section 5.6, and in no other.
package enum RFC3339 {
    /// A time in UTC, such as `2026-10-05T14:49:14.142187951Z`, for nanoseconds since 1970. `digits`: of the fraction.
    package static func text(_ nanoseconds: Int64, digits: Int = 9) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(30)
        append(nanoseconds: nanoseconds, digits: digits, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the same. `digits`: of the fraction, 9 at most; nil for as many as it takes, and none where it is 0.
    package static func append(nanoseconds: Int64, digits: Int?, to bytes: inout [UInt8]) {
        let (quotient, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        append(
            seconds: rest < 0 ? quotient - 1 : quotient, fraction: rest < 0 ? rest + 1_000_000_000 : rest,
            digits: digits, to: &bytes)
    }

    /// Appends seconds since 1970 and 0 to 999 999 999 nanoseconds. The year must be 0 to 9999.
    package static func append(seconds: Int64, fraction: Int64, digits: Int?, to bytes: inout [UInt8]) {
        var (day, second) = Int(seconds).quotientAndRemainder(dividingBy: 86_400)
        if second < 0 { (day, second) = (day - 1, second + 86_400) }
        let date = CivilDate(dayNumber: day)
        // YYYY-MM-DDThh:mm:ss.fffffffffZ
        var text = InlineArray<30, UInt8>(repeating: UInt8(ascii: "-"))
        func pair(_ value: Int, at place: Int) {
            let tens = UInt32(truncatingIfNeeded: value) / 10
            text[place] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: tens)
            text[place + 1] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value &- Int(tens) &* 10)
        }
        pair(date.year / 100, at: 0)
        pair(date.year % 100, at: 2)
        pair(date.month, at: 5)
        pair(date.day, at: 8)
        text[10] = UInt8(ascii: "T")
        pair(second / 3600, at: 11)
        text[13] = UInt8(ascii: ":")
        pair(second / 60 % 60, at: 14)
        text[16] = UInt8(ascii: ":")
        pair(second % 60, at: 17)
        var end = 19
        if digits != nil || fraction > 0 {
            text[19] = UInt8(ascii: ".")
            var rest = UInt32(truncatingIfNeeded: fraction)
            for place in stride(from: 28, through: 20, by: -1) {
                text[place] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            end = 20 + min(digits ?? 9, 9)
            if digits == nil {
                while text[end - 1] == UInt8(ascii: "0") { end -= 1 }
            }
        }
        text[end] = UInt8(ascii: "Z")
        withUnsafeBytes(of: text) { bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[...end])) }
    }

    /// Appends a number of two digits.
    package static func pair(_ value: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value / 10))
        bytes.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value % 10))
    }

    /// The end of the year 2261: the last that nanoseconds in 64 bits reach.
    private static let lastSecond = 9_214_646_399

    /// Nanoseconds since 1970; nil where the text is no RFC 3339 time. What lies before 1970 or after 2261 is taken for
    /// the first and last of these instants: nothing was received before, nothing will be kept until after. A leap
    /// second is the second that follows it.
    package static func nanoseconds(_ text: String) -> Int64? {
        var rest = Substring(text)
        guard let year = number(&rest, 4, before: "-"), let month = number(&rest, 2, before: "-"),
            let day = number(&rest, 2, before: "Tt"), let hour = number(&rest, 2, before: ":"),
            let minute = number(&rest, 2, before: ":"), let second = number(&rest, 2, before: nil),
            (1...12).contains(month), (1...CivilDate.days(in: month, of: year)).contains(day),
            hour < 24, minute < 60, second <= 60, let fraction = fraction(&rest), let offset = offset(rest)
        else { return nil }
        let minutes = CivilDate(year: year, month: month, day: day).dayNumber * 1440 + hour * 60 + minute - offset / 60
        // Leap seconds end a day of UTC (RFC 3339, section 5.7).
        guard second < 60 || (minutes + 1).isMultiple(of: 1440) else { return nil }
        let seconds = minutes * 60 + second
        if seconds < 0 { return 0 }
        return seconds > lastSecond
            ? Int64(lastSecond) * 1_000_000_000 + 999_999_999 : Int64(seconds) * 1_000_000_000 + fraction
    }

    /// So many digits, and what must follow them.
    private static func number(_ rest: inout Substring, _ count: Int, before following: String?) -> Int? {
        let digits = rest.prefix(count)
        guard digits.utf8.count == count, digits.utf8.allSatisfy(\.isDigit) else { return nil }
        rest = rest.dropFirst(count)
        guard let following else { return Int(digits) }
        guard let next = rest.popFirst(), following.contains(next) else { return nil }
        return Int(digits)
    }

    private static func fraction(_ rest: inout Substring) -> Int64? {
        guard rest.first == "." else { return 0 }
        let digits = rest.dropFirst().prefix { $0.utf8.allSatisfy(\.isDigit) }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(1 + digits.count)
        return Int64(digits.prefix(9) + String(repeating: "0", count: max(0, 9 - digits.count)))
    }

    private static func offset(_ text: Substring) -> Int? {
        if text == "Z" || text == "z" { return 0 }
        var rest = text
        guard let sign = rest.popFirst(), sign == "+" || sign == "-", let hours = number(&rest, 2, before: ":"),
            let minutes = number(&rest, 2, before: nil), rest.isEmpty, hours < 24, minutes < 60
        else { return nil }
        return (sign == "-" ? -1 : 1) * (hours * 3600 + minutes * 60)
    }
}
