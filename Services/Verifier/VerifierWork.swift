import Bus
import Events
import StageMetrics
import StageRuntime
import Wire

/// The verifier's work on the bus: `VerifierStage` with the keys of the day, counted.
///
/// After secrets were read again, webhooks received before that are judged by the former keys too, so that a rotation
/// refuses no good request.
struct VerifierWork: StageWork {
    /// A stage with its own counters: the keys of another day may have other ids.
    private struct Bench {
        var stage: VerifierStage
        let proofs: ProofCounters

        init(_ keys: KeyShelf.Keys, _ registry: MetricRegistry, maxInflatedBytes: Int) {
            stage = VerifierStage(sources: keys.sources, maxInflatedBytes: maxInflatedBytes)
            proofs = ProofCounters(registry, keys.sources, proofs: stage.proofs)
        }

        mutating func process(_ record: EnvelopeView, into writer: inout ByteWriter) -> StageOutcome {
            let outcome = stage.process(record, into: &writer)
            proofs.count(stage.lastProof)
            return outcome
        }
    }

    private let shelf: KeyShelf
    private let registry: MetricRegistry
    private let counters: OutcomeCounters
    private let maxInflatedBytes: Int
    private var bench: Bench
    private var generation: Int
    private var former: (bench: Bench, retiredAtNanoseconds: Int64)?

    init(_ shelf: KeyShelf, _ environment: StageEnvironment, maxInflatedBytes: Int) {
        self.init(
            shelf, environment.registry, sources: environment.configuration.sources.map(\.name),
            maxInflatedBytes: maxInflatedBytes)
    }

    init(_ shelf: KeyShelf, _ registry: MetricRegistry, sources: [String], maxInflatedBytes: Int) {
        self.shelf = shelf
        self.registry = registry
        self.maxInflatedBytes = maxInflatedBytes
        counters = OutcomeCounters(registry, sources: sources)
        let current = shelf.current
        bench = Bench(current, registry, maxInflatedBytes: maxInflatedBytes)
        generation = current.generation
    }

    mutating func betweenBatches() {
        let current = shelf.current
        guard current.generation != generation else { return }
        former = (bench, wallNanoseconds())
        bench = Bench(current, registry, maxInflatedBytes: maxInflatedBytes)
        generation = current.generation
    }

    mutating func process(_ record: EnvelopeView, appendingTo writer: inout ByteWriter) -> Verdict {
        let start = writer.count
        var outcome = bench.process(record, into: &writer)
        if case .refused = outcome, var former, record.receivedAtNanoseconds <= former.retiredAtNanoseconds {
            var second = ByteWriter()
            let formerOutcome = former.bench.process(record, into: &second)
            if case .refused = formerOutcome {
            } else {
                writer.bytes.removeLast(writer.count - start)
                writer.raw(second.bytes)
                outcome = formerOutcome
            }
        }
        switch outcome {
        case .passed, .passedExcept:
            counters.countAccepted()
            return .accepted
        case .answered(let reply):
            counters.countAccepted()
            return Verdict(httpStatus: 200, code: "", reply: reply)
        case .refused(let rejection, let httpStatus):
            counters.countRefused(code: rejection.code.rawValue, source: record.sourceBytes)
            return Verdict(httpStatus: httpStatus, code: rejection.code.rawValue)
        }
    }
}
