import ArgumentParser
import Executable

/// Which refused webhooks are meant.
struct QuarantineFilter: ParsableArguments {
    @Option(help: ArgumentHelp("Only those of this source.", valueName: "name"))
    var source: String?

    @Option(
        name: [.long, .customLong("reason")],
        help: ArgumentHelp("Only those refused with this code, such as signature_mismatch.", valueName: "code"))
    var code: String?

    @Option(help: ArgumentHelp("Only those refused by this stage: verifier, normaliser, ingress …", valueName: "stage"))
    var stage: String?

    @OptionGroup var range: TimeRange

    func validate() throws {
        if let stage, Stage(named: stage) == nil {
            throw ValidationError("--stage \(stage): there is no such stage; the stages are \(Stage.names)")
        }
    }

    var isEmpty: Bool { [source, code, stage].allSatisfy { $0 == nil } && range.isEmpty }

    /// What the router is asked with. Each call counts "how long ago" from its own moment, so call it once.
    var parameters: [(String, String?)] {
        [("source", source), ("code", code), ("stage", stage.flatMap { Stage(named: $0)?.rawValue })] + range.parameters
    }
}
