import Glibc

/// Times as stages print them.
enum TimeText {
    /// Nanoseconds since 1970 of an RFC 3339 time in UTC, with up to nine digits of a second; nil for anything else.
    static func nanoseconds(_ text: String) -> Int64? {
        guard text.hasSuffix("Z") else { return nil }
        let numbers = text.dropLast().split(omittingEmptySubsequences: false) { "-T:.".contains($0) }
        guard (6...7).contains(numbers.count), numbers.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isWholeNumber) })
        else { return nil }
        let parts = numbers.prefix(6).compactMap { Int32($0) }
        guard parts.count == 6, (1970...2261).contains(parts[0]) else { return nil }
        var time = tm()
        time.tm_year = parts[0] - 1900
        time.tm_mon = parts[1] - 1
        time.tm_mday = parts[2]
        time.tm_hour = parts[3]
        time.tm_min = parts[4]
        time.tm_sec = parts[5]
        let fraction = numbers.count == 7 ? numbers[6].prefix(9) : "0"
        let padded = fraction + String(repeating: "0", count: 9 - fraction.count)
        return Int64(padded).map { Int64(timegm(&time)) * 1_000_000_000 + $0 }
    }
}
