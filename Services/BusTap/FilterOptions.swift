import ArgumentParser
import Events
import Executable
import PipelineConfiguration
import TapPrinting

/// Which records are meant.
struct FilterOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "Only this hop: ingress, connector, verifier, normaliser or router, or an instance. May be repeated.")
    var stage: [String] = []
    @Option(name: .long, help: "Only this instance, such as verifier-0 or router-0. May be repeated.")
    var instance: [String] = []
    @Option(name: .long, help: "Only records of this source.")
    var source: String?
    @Option(
        name: .long,
        help: "Only events of this canonical type, such as 'participant.*'; dev.tributary. may stand before it.")
    var type: String?
    @Option(name: .long, help: "Only events with this subject, such as 'calls/*'.")
    var subject: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only this webhook or event: an event's id, the provider's (as in the field webhook-id), the sequence, or "
                + "the id that the ingress answered.", valueName: "id"))
    var id: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only webhooks in whose body, or in an event's data, this JSON Pointer leads to a value, or to the one after "
                + "the first =; such as /call/id or /call/id=42. May be repeated; all must hold.",
            valueName: "pointer"))
    var `where`: [String] = []
    @Flag(name: .long, help: "Only what was refused, as a whole or in part.")
    var rejected = false

    /// Whether instances are meant, by their names. What is named so is judged without the configuration.
    func choice(of defaultStages: [String] = []) throws(StageFailure) -> (String) -> Bool {
        let isAny = stage.isEmpty && instance.isEmpty
        let stages = try StageChoice(isAny ? defaultStages : stage, option: "--stage")
        let instances = try StageChoice(instance, option: "--instance")
        return { stages.takes($0) && instances.takes($0) }
    }

    /// The same for `--where`.
    func conditions() throws(StageFailure) -> [TapCondition] {
        var conditions: [TapCondition] = []
        for text in `where` {
            guard let condition = TapCondition(text) else {
                throw StageFailure(
                    .usage,
                    "pointer_malformed: --where \(text): expected a JSON Pointer (RFC 6901), such as /call/id, or one "
                        + "with a value, such as /call/id=42")
            }
            conditions.append(condition)
        }
        return conditions
    }

    func filter(_ configuration: TributaryConfiguration) throws -> TapFilter {
        var filter = TapFilter()
        if let source { filter.source = Array(try configuration.source(named: source).name.utf8) }
        if let type {
            try KnownTypes.require(type)
            filter.type = WildcardPattern(CanonicalTypeName.short(type))
        }
        filter.subject = subject.map { WildcardPattern($0) }
        filter.id = id.map { TapID($0) }
        filter.isRejected = rejected
        filter.conditions = try conditions()
        return filter
    }
}
