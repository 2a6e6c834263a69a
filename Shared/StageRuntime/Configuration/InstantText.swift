/// Times as the configuration and the control API write them: every form of RFC 3339, section 5.6, and no other.
package enum InstantText {
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
            (1...12).contains(month), (1...days(in: month, of: year)).contains(day),
            hour < 24, minute < 60, second <= 60, let fraction = fraction(&rest), let offset = offset(rest)
        else { return nil }
        let minutes = dayNumber(year, month, day) * 1440 + hour * 60 + minute - offset / 60
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
        guard digits.utf8.count == count, digits.utf8.allSatisfy(isDigit) else { return nil }
        rest = rest.dropFirst(count)
        guard let following else { return Int(digits) }
        guard let next = rest.popFirst(), following.contains(next) else { return nil }
        return Int(digits)
    }

    private static func fraction(_ rest: inout Substring) -> Int64? {
        guard rest.first == "." else { return 0 }
        let digits = rest.dropFirst().prefix { $0.utf8.allSatisfy(isDigit) }
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

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01; years begin in March (Hinnant, "chrono-compatible date algorithms").
    private static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int {
        // 400 years, 146 097 days, are added and taken off again, so that no division rounds towards zero from below it.
        let shifted = (month <= 2 ? year - 1 : year) + 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468 - 146_097
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
