import ArgumentParser
import Primitives
import StageMetrics

/// From when until when.
struct TimeRange: ParsableArguments {
    @Option(help: ArgumentHelp("Only since then: RFC 3339, or how long ago, such as 2h.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only before then, written likewise.", valueName: "time"))
    var until: String?

    func validate() throws {
        for (name, text) in [("--since", since), ("--until", until)] {
            guard let text, Self.instant(text) == nil else { continue }
            throw ValidationError(
                "time_malformed: \(name) \(text): expected a time such as 2026-10-05T14:49:14Z, or how long ago, such as 2h"
            )
        }
    }

    var isEmpty: Bool { since == nil && until == nil }

    /// What the router is asked with, each RFC 3339. Every call counts "how long ago" from its own moment, so call it once.
    var parameters: [(String, String?)] {
        [("since", since.flatMap { Self.instant($0) }), ("until", until.flatMap { Self.instant($0) })]
    }

    /// A time as the API takes it: as written, or a while before `now` (nanoseconds since 1970).
    static func instant(_ text: String, now: Int64 = wallNanoseconds()) -> String? {
        if RFC3339.nanoseconds(text) != nil { return text }
        return DurationText.parse(text).flatMap { ago in
            let nanoseconds = now - ago.nanoseconds
            return nanoseconds >= 0 ? RFC3339.text(nanoseconds, digits: 6) : nil
        }
    }
}
