import Events
import StageMetrics
import VerificationSchemes

/// Counts which key proved webhooks of which source. The labels are the configuration's: source names and the labels of keys.
struct ProofCounters {
    private let counters: [[Counter]]

    /// `proofs`: per source, everything that a proof of it can say.
    init(_ registry: MetricRegistry, _ sources: [SourceVerification], proofs: [[Verification]]) {
        counters = zip(sources, proofs).map { source, proofs in
            registry.gauge(
                "tributary_source_verification",
                help: "Always 1; how the webhooks of a source are verified is a label.",
                labels: [("source", source.source), ("scheme", proofs.first?.scheme ?? source.scheme.name)]
            ).set(1)
            return proofs.map { proof in
                registry.counter(
                    "tributary_verified_total", help: "Webhooks by the key that proved where they come from.",
                    labels: [("source", source.source), ("key", proof.keyID)])
            }
        }
    }

    func count(_ place: VerifierStage.ProofPlace?) {
        guard let place else { return }
        counters[place.source][place.proof].add()
    }
}
