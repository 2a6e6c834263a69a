import Primitives

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
            let second = number(text, 17, 2), (1...12).contains(month), day >= 1,
            day <= CivilDate.days(in: month, of: year),
            hour < 24, minute < 60, second < 60
        else { return false }
        var end = 19
        if text[end] == UInt8(ascii: ".") || text[end] == UInt8(ascii: ",") {
            end += 1
            while end < text.count, text[end].isDigit { end += 1 }
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
        RFC3339.pair(offset.minutes, to: &bytes)
        return true
    }

    /// Appends a provider's integer nanoseconds since 1970 as RFC 3339 text; false, and nothing appended, where the
    /// digits are no 64-bit integer.
    package static func append(integer digits: UnsafeRawBufferPointer, to bytes: inout [UInt8]) -> Bool {
        guard (1...20).contains(digits.count), let value = integer(digits) else { return false }
        // No trailing zeros, as in the providers' own texts.
        RFC3339.append(nanoseconds: value, digits: nil, to: &bytes)
        return true
    }

    private static func integer(_ digits: UnsafeRawBufferPointer) -> Int64? {
        let isNegative = digits[0] == UInt8(ascii: "-")
        var value: Int64 = 0
        for character in digits.dropFirst(isNegative ? 1 : 0) {
            guard character.isDigit else { return nil }
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
            guard character.isDigit else { return nil }
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
}
