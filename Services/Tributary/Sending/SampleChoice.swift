import Executable
import JSON
import PipelineConfiguration

/// Which samples of a provider are asked for.
struct SampleChoice: Sendable {
    let catalogue: SampleCatalogue
    let types: [String]
    /// Events per webhook; nil for the provider's form for single events.
    let batch: Int?

    /// `type` is one of the provider's, or `all`. Throws a sentence that says what there is instead.
    static func make(_ provider: String, _ type: String, batch: Int?) throws(StageFailure) -> SampleChoice {
        guard let catalogue = SampleCatalogue.of(provider) else {
            throw StageFailure(
                .usage, "there are no samples of \(provider), because its webhooks are what you make them; use --body")
        }
        guard type == "all" || catalogue.takesAnyType && !type.isEmpty || catalogue.types.contains(type) else {
            let hint = Suggestion.hint(for: type, among: ["all"] + catalogue.types)
            throw StageFailure(.usage, "\(provider) has no type \"\(type)\"; \(hint)")
        }
        guard batch == nil || catalogue.takesBatches else {
            throw StageFailure(.usage, "\(provider) sends no batches; leave --batch out")
        }
        return SampleChoice(catalogue: catalogue, types: type == "all" ? catalogue.types : [type], batch: batch)
    }
}

/// What `tributary send --list` shows.
enum SampleList {
    struct Source {
        let name: String
        let provider: String

        var types: [String] { SampleCatalogue.of(provider)?.types ?? [] }
        var takesAnyType: Bool { SampleCatalogue.of(provider)?.takesAnyType ?? false }
    }

    /// One line per source and type.
    static func text(_ sources: [Source]) -> String {
        var table = Table(["SOURCE", "PROVIDER", "TYPE"])
        for source in sources {
            if source.types.isEmpty { table.add([source.name, source.provider, "(your own: --body FILE)"]) }
            for type in source.types { table.add([source.name, source.provider, type]) }
            if source.takesAnyType { table.add([source.name, source.provider, "(any other name)"]) }
        }
        return table.text
    }

    static func json(_ sources: [Source]) -> JSONText {
        .object([
            "sources": .array(
                sources.map { source in
                    .object([
                        "source": source.name.isEmpty ? .null : .string(source.name),
                        "provider": .string(source.provider),
                        "types": .array(source.types.map(JSONText.string)),
                        "takes_any_type": .bool(source.takesAnyType),
                    ])
                })
        ])
    }
}
