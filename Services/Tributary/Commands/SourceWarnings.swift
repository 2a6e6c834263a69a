import Providers
import StageRuntime

/// What is allowed in a configuration but should not surprise anybody.
enum SourceWarnings {
    static func of(_ sources: [SourceConfiguration], nowNanoseconds: Int64) -> [String] {
        sources.flatMap { source in
            var warnings: [String] = []
            if source.isUnverified {
                warnings.append(
                    "source \(source.name) is not verified (verification: none): anyone who knows the URL can send "
                        + "events")
            }
            for (name, secrets) in [("secrets", source.secrets), ("path_tokens", source.pathTokens)] {
                if !secrets.isEmpty, !secrets.contains(where: { $0.validity.holds(at: nowNanoseconds) }) {
                    warnings.append(
                        "source \(source.name): none of its \(name) counts today, so all webhooks are refused")
                }
            }
            return warnings
        }
    }
}
