import ArgumentParser

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

    @OptionGroup var range: TimeRange

    var isEmpty: Bool { [source, code, stage].allSatisfy { $0 == nil } && range.isEmpty }

    /// What the router is asked with. Each call counts "how long ago" from its own moment, so call it once.
    var parameters: [(String, String?)] {
        [("source", source), ("code", code), ("stage", stage)] + range.parameters
    }
}
