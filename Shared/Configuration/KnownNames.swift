import Events
package import Executable
import Providers

extension TributaryConfiguration {
    /// The source with that name. Throws a sentence that says which there are.
    package func source(named name: String) throws(StageFailure) -> SourceConfiguration {
        if let source = sources.first(where: { $0.name == name }) { return source }
        let hint = Suggestion.hint(for: name, among: sources.map(\.name))
        throw StageFailure(.usage, "source_unknown: \(file) has no source \(name); \(hint)")
    }
}

/// The types that events can have.
package enum KnownTypes {
    /// Returns where the vocabulary has a type that fits `pattern`, in which `*` stands for anything and the prefix
    /// `dev.tributary.` may be left out. Throws `usage` otherwise.
    package static func require(_ pattern: String) throws(StageFailure) {
        let short = CanonicalTypeName.short(pattern)
        let known = CanonicalVocabulary.families.flatMap { $0.types.map(\.name) }
        let wanted = WildcardPattern(short)
        if known.contains(where: { wanted.matches($0) }) { return }
        let near = Suggestion.nearest(to: short, among: known).map { "did you mean \"\($0)\"?" }
        throw StageFailure(
            .usage, "type_unknown: no event has a type like \(pattern); \(near ?? "`tributary types` lists them")")
    }
}
