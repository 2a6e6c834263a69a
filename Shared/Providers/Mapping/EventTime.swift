/// Providers' time stamps as RFC 3339 text, exact to the nanosecond. Reads no clock.
package enum EventTime {
    /// Appends a provider's RFC 3339 text, or what it names in one of the ways that programs write instead; false, and
    /// nothing appended, where it is none.
    ///
    /// Read are, too: a blank for the `T` (RFC 3339, section 5.6) and then one before the zone, letters in lower case, a
    /// comma before the fraction (ISO 8601), and zones as `+0000` (strftime's `%z`), `+00` (PostgreSQL), `UTC` and `GMT`
    /// (Ruby). A text without a zone names no instant. Digits and offset stay as they were written; more than nine
    /// fractional digits are cut. A leap second (`:60`) is not read, because common CloudEvents SDKs fail on it.
    package static func append(text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) -> Bool {
        guard text.count >= 20, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            text[10] | 0x20 == UInt8(ascii: "t") || text[10] == UInt8(ascii: " "), text[13] == UInt8(ascii: ":"),
            text[16] == UInt8(ascii: ":"), let year = number(text, 0, 4), let month = number(text, 5, 2),
            let day = number(text, 8, 2), let hour = number(text, 11, 2), let minute = number(text, 14, 2),
            let second = number(text, 17, 2), (1...12).contains(month), day >= 1, day <= days(in: month, of: year),
            hour < 24, minute < 60, second < 60
        else { return false }
        var end = 19
        if text[end] == UInt8(ascii: ".") || text[end] == UInt8(ascii: ",") {
            end += 1
            while end < text.count, isDigit(text[end]) { end += 1 }
            guard end > 20 else { return false }
        }
        let isApart = text[10] == UInt8(ascii: " ") && end + 3 < text.count && text[end] == UInt8(ascii: " ")
        let zone = UnsafeRawBufferPointer(rebasing: text[(isApart ? end + 1 : end)...])
        guard let offset = offset(zone) else { return false }
        let start = bytes.count
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[..<min(end, 29)]))
        bytes[start + 10] = UInt8(ascii: "T")
        if end > 19 { bytes[start + 19] = UInt8(ascii: ".") }
        guard !offset.isUTC else {
            bytes.append(UInt8(ascii: "Z"))
            return true
        }
        bytes.append(contentsOf: zone[..<3])
        bytes.append(UInt8(ascii: ":"))
        append(Int64(offset.minutes), digits: 2, after: nil, to: &bytes)
        return true
    }

    /// Appends a provider's integer nanoseconds since 1970 as RFC 3339 text; false, and nothing appended, where the
    /// digits are no 64-bit integer.
    package static func append(integer digits: UnsafeRawBufferPointer, to bytes: inout [UInt8]) -> Bool {
        guard (1...20).contains(digits.count), let value = integer(digits) else { return false }
        append(nanoseconds: value, to: &bytes)
        return true
    }

    /// Appends nanoseconds since 1970 as RFC 3339 text in UTC. The fraction has no trailing zeros, as in the
    /// providers' own texts.
    package static func append(nanoseconds: Int64, to bytes: inout [UInt8]) {
        var seconds = nanoseconds / 1_000_000_000
        var fraction = nanoseconds % 1_000_000_000
        if fraction < 0 {
            fraction += 1_000_000_000
            seconds -= 1
        }
        append(seconds: seconds, fraction: fraction, to: &bytes)
    }

    /// Appends seconds since 1970 and 0 to 999 999 999 nanoseconds. The year must be 0 to 9999.
    static func append(seconds: Int64, fraction: Int64, to bytes: inout [UInt8]) {
        var dayCount = seconds / 86_400
        var secondOfDay = seconds % 86_400
        if secondOfDay < 0 {
            secondOfDay += 86_400
            dayCount -= 1
        }
        let date = civil(dayCount)
        append(date.year, digits: 4, after: nil, to: &bytes)
        append(date.month, digits: 2, after: UInt8(ascii: "-"), to: &bytes)
        append(date.day, digits: 2, after: UInt8(ascii: "-"), to: &bytes)
        append(secondOfDay / 3600, digits: 2, after: UInt8(ascii: "T"), to: &bytes)
        append(secondOfDay / 60 % 60, digits: 2, after: UInt8(ascii: ":"), to: &bytes)
        append(secondOfDay % 60, digits: 2, after: UInt8(ascii: ":"), to: &bytes)
        if fraction > 0 {
            append(fraction, digits: 9, after: UInt8(ascii: "."), to: &bytes)
            while bytes.last == UInt8(ascii: "0") { bytes.removeLast() }
        }
        bytes.append(UInt8(ascii: "Z"))
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01 (Hinnant, "chrono-compatible date algorithms").
    private static func civil(_ dayCount: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = dayCount + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func append(_ value: Int64, digits: Int, after separator: UInt8?, to bytes: inout [UInt8]) {
        if let separator { bytes.append(separator) }
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    private static func integer(_ digits: UnsafeRawBufferPointer) -> Int64? {
        let isNegative = digits[0] == UInt8(ascii: "-")
        var value: Int64 = 0
        for character in digits.dropFirst(isNegative ? 1 : 0) {
            guard isDigit(character) else { return nil }
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let digit = Int64(character - UInt8(ascii: "0"))
            let (next, carry) =
                isNegative
                ? scaled.subtractingReportingOverflow(digit) : scaled.addingReportingOverflow(digit)
            guard !overflow, !carry else { return nil }
            value = next
        }
        return value
    }

    private static func number(_ text: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Int? {
        var value = 0
        for character in text[start..<start + count] {
            guard isDigit(character) else { return nil }
            value = value * 10 + Int(character - UInt8(ascii: "0"))
        }
        return value
    }

    /// The zone behind a time: UTC by name, or hours, which are the first three characters, and minutes.
    private static func offset(_ zone: UnsafeRawBufferPointer) -> (isUTC: Bool, minutes: Int)? {
        let isNamed = zone.count == 1 ? zone[0] | 0x20 == UInt8(ascii: "z") : isUTC(zone)
        if isNamed { return (true, 0) }
        guard [3, 5, 6].contains(zone.count), zone[0] == UInt8(ascii: "+") || zone[0] == UInt8(ascii: "-"),
            let hours = number(zone, 1, 2), hours < 24
        else { return nil }
        guard zone.count > 3 else { return (false, 0) }
        guard zone.count == 5 || zone[3] == UInt8(ascii: ":"), let minutes = number(zone, zone.count - 2, 2),
            minutes < 60
        else { return nil }
        return (false, minutes)
    }

    private static func isUTC(_ zone: UnsafeRawBufferPointer) -> Bool {
        zone.count == 3 && (zone.startsIgnoringCase("UTC".utf8) || zone.startsIgnoringCase("GMT".utf8))
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func isDigit(_ character: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character)
    }
}
