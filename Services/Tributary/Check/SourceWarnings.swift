import PipelineConfiguration
import Primitives
import VerificationSchemes

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
                if secrets.isEmpty { continue }
                guard secrets.contains(where: { $0.validity.holds(at: nowNanoseconds) }) else {
                    warnings.append(
                        "source \(source.name): none of its \(name) counts today, so all webhooks are refused")
                    continue
                }
                if let gap = gap(in: secrets.map(\.validity), after: nowNanoseconds) {
                    warnings.append(
                        "source \(source.name): none of its \(name) counts from \(RFC3339.text(gap.lowerBound, digits: 6)) until "
                            + "\(RFC3339.text(gap.upperBound, digits: 6)), so all webhooks are refused then; let not_before of the new "
                            + "one come before not_after of the old one")
                }
            }
            return warnings
        }
    }

    /// The first time from `now`, at which one counts, when none does although one follows; nil where there is none.
    static func gap(in windows: [KeyValidity], after now: Int64) -> Range<Int64>? {
        var reach = now
        for window in windows.sorted(by: { $0.notBeforeNanoseconds ?? .min < $1.notBeforeNanoseconds ?? .min }) {
            let (start, end) = (window.notBeforeNanoseconds ?? .min, window.notAfterNanoseconds ?? .max)
            if end <= reach || start >= end { continue }
            if start > reach { return reach..<start }
            reach = end
        }
        return nil
    }
}
