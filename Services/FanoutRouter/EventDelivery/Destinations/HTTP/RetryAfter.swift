import Glibc
import Primitives
import Wire

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// The wait in seconds, as many as there may be; nil where there is none to be read. A date is taken relative to the
    /// answer's own `Date`, so that the two clocks need not agree; without one, to this machine's clock.
    static func seconds(_ text: String?, date: String?) -> Int? {
        guard let text = text.map(trimmed), !text.isEmpty else { return nil }
        if text.allSatisfy(\.isDigit) {
            return text.reduce(0) { sum, digit in
                let (product, isTooLarge) = sum.multipliedReportingOverflow(by: 10)
                let (total, overflow) = product.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
                return isTooLarge || overflow ? .max : total
            }
        }
        let now = Glibc.time(nil)
        guard let due = time(of: text, now: now) else { return nil }
        return max(0, due - (date.flatMap { time(of: trimmed($0), now: now) } ?? now))
    }

    private static func trimmed(_ text: String) -> Substring.UTF8View { FieldValue.trimmed(Substring(text)).utf8 }

    /// Seconds since 1970 of an HTTP-date in any of its forms (section 5.6.7): `Wed, 21 Oct 2026 07:28:00 GMT`,
    /// `Wednesday, 21-Oct-26 07:28:00 GMT` and `Wed Oct 21 07:28:00 2026`.
    private static func time(of text: Substring.UTF8View, now: Int) -> Int? {
        guard text.count <= 40 else { return nil }
        let parts = Substring(text).split(separator: " ").map(String.init)
        switch parts.count {
        case 6 where parts[0].hasSuffix(",") && parts[5] == "GMT":
            return time(day: parts[1], month: parts[2], year: parts[3], clock: parts[4])
        case 4 where parts[0].hasSuffix(",") && parts[3] == "GMT":
            let date = parts[1].split(separator: "-").map(String.init)
            guard date.count == 3, date[2].utf8.count == 2, let year = Int(date[2]) else { return nil }
            return time(day: date[0], month: date[1], year: "\(century(of: year, now: now))", clock: parts[2])
        case 5: return time(day: parts[2], month: parts[1], year: parts[4], clock: parts[3])
        default: return nil
        }
    }

    /// The year of two digits that is nearest: more than 50 years ahead means the past.
    private static func century(of year: Int, now: Int) -> Int {
        let thisYear = CivilDate(dayNumber: now / 86_400).year
        let candidate = thisYear / 100 * 100 + year
        return candidate > thisYear + 50 ? candidate - 100 : candidate
    }

    private static func time(day: String, month: String, year: String, clock: String) -> Int? {
        let clock = clock.split(separator: ":").map { number(String($0), digits: 2...2) }
        guard clock.count == 3, let day = number(day, digits: 1...2), let month = months.firstIndex(of: month),
            let year = number(year, digits: 4...4), let hour = clock[0], let minute = clock[1], let second = clock[2],
            (1...31).contains(day), (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        let date = CivilDate(year: year, month: month + 1, day: day)
        return date.dayNumber * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func number(_ text: String, digits: ClosedRange<Int>) -> Int? {
        digits.contains(text.utf8.count) && text.utf8.allSatisfy(\.isDigit) ? Int(text) : nil
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
