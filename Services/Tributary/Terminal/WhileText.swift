import JSON

/// Lengths of time for people to read.
enum WhileText {
    /// Such as `3 s`, `5 min`, `2 h`, `4 d`, rounded down.
    static func text(seconds: Int64) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) d"
        }
    }

    /// The same of a number of the API, which may have a fraction.
    static func text(seconds: JSONValue) -> String {
        guard let number = Double(seconds.text), number.isFinite, abs(number) < 1e15 else { return "" }
        return text(seconds: Int64(number))
    }

    /// Such as `498 µs`, `12 ms` or `15 s`, of seconds with a fraction.
    static func brief(_ seconds: JSONValue) -> String {
        guard let number = Double(seconds.text), number.isFinite, abs(number) < 1e12 else { return "" }
        if number < 0.001 { return "\(Int64(number * 1_000_000)) µs" }
        return number < 10 ? "\(Int64(number * 1000)) ms" : text(seconds: Int64(number))
    }
}
