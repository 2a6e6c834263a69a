import ArgumentParser
import StageMetrics
import StageRuntime

/// Which refused webhooks are meant.
struct QuarantineFilter: ParsableArguments {
    @Option(help: ArgumentHelp("Only those of this source.", valueName: "name"))
    var source: String?

    @Option(
        name: [.long, .customLong("reason")],
        help: ArgumentHelp("Only those refused with this code, such as signature_mismatch.", valueName: "code"))
    var code: String?

    @Option(help: ArgumentHelp("Only those refused by this stage, such as verifier.", valueName: "stage"))
    var stage: String?

    @Option(
        help: ArgumentHelp(
            "Only those received since then: RFC 3339, or how long ago, such as 2h.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only those received before then, written likewise.", valueName: "time"))
    var until: String?

    func validate() throws {
        for (name, text) in [("--since", since), ("--until", until)] {
            guard let text, Self.nanoseconds(text) == nil else { continue }
            throw ValidationError(
                "time_malformed: \(name) \(text): expected a time such as 2026-10-05T14:49:14Z, or how long ago, such as 2h"
            )
        }
    }

    var isEmpty: Bool { [source, code, stage, since, until].allSatisfy { $0 == nil } }

    /// What the router is asked with. Each call counts "how long ago" from its own moment, so call it once.
    var parameters: [(String, String?)] {
        [
            ("source", source), ("code", code), ("stage", stage),
            ("since", since.flatMap { Self.nanoseconds($0) }.map(String.init)),
            ("until", until.flatMap { Self.nanoseconds($0) }.map(String.init)),
        ]
    }

    /// Nanoseconds since 1970 of a time, or of a while ago.
    static func nanoseconds(_ text: String, now: Int64 = wallNanoseconds()) -> Int64? {
        InstantText.nanoseconds(text) ?? DurationText.parse(text).map { now - $0.nanoseconds }
    }
}
