import Bus
import Events
import StageMetrics
import StageProcess
import VerificationSchemes
import Wire

/// The verifier's work on the bus: `VerifierStage` with the keys of the day, counted.
///
/// After a reload, webhooks received before it are judged by the former keys too, so that a rotation refuses no good
/// request. Sources that were removed are known for a while longer, because the ingress hears of it last.
struct VerifierWork: StageWork {
    /// A stage with its own counters: the keys of another day may have other ids.
    private struct Bench {
        var stage: VerifierStage
        let proofs: ProofCounters

        init(_ sources: [SourceVerification], _ registry: MetricRegistry, maxInflatedBytes: Int) {
            stage = VerifierStage(sources: sources, maxInflatedBytes: maxInflatedBytes)
            proofs = ProofCounters(registry, sources, proofs: stage.proofs)
        }

        mutating func process(_ record: EnvelopeView, into writer: inout ByteWriter) -> StageOutcome {
            let outcome = stage.process(record, into: &writer)
            proofs.count(stage.lastProof)
            return outcome
        }
    }

    /// How many former sets of keys are kept: a reload for another reason must not end a rotation.
    private static let maxFormer = 4
    /// How long after a reload webhooks of a removed source are still judged by the former keys.
    static let removalGraceNanoseconds: Int64 = 30_000_000_000

    private let box: VersionedBox<[SourceVerification]>
    private let registry: MetricRegistry
    private var counters: OutcomeCounters
    private let maxInflatedBytes: Int
    private var bench: Bench
    private var generation: Int
    /// Newest first.
    private var former: [(bench: Bench, retiredAtNanoseconds: Int64)] = []

    init(_ box: VersionedBox<[SourceVerification]>, _ registry: MetricRegistry, maxInflatedBytes: Int) {
        self.box = box
        self.registry = registry
        self.maxInflatedBytes = maxInflatedBytes
        let current = box.current
        counters = OutcomeCounters(registry, sources: current.value.map(\.source))
        bench = Bench(current.value, registry, maxInflatedBytes: maxInflatedBytes)
        generation = current.generation
    }

    mutating func betweenBatches() {
        let current = box.current
        guard current.generation != generation else { return }
        former.insert((bench, wallNanoseconds()), at: 0)
        former = Array(former.prefix(Self.maxFormer))
        bench = Bench(current.value, registry, maxInflatedBytes: maxInflatedBytes)
        counters = OutcomeCounters(registry, sources: current.value.map(\.source))
        generation = current.generation
    }

    /// Where former keys may still prove what the present ones refuse: what they say, put in the place of the refusal.
    private mutating func second(
        _ record: EnvelopeView, _ code: RejectionCode, from start: Int, into writer: inout ByteWriter
    ) -> StageOutcome? {
        let grace = code == .sourceUnknown ? Self.removalGraceNanoseconds : 0
        for place in former.indices
        where record.receivedAtNanoseconds <= former[place].retiredAtNanoseconds + grace {
            var second = ByteWriter()
            let outcome = former[place].bench.process(record, into: &second)
            if case .refused = outcome { continue }
            writer.bytes.removeLast(writer.count - start)
            writer.raw(second.bytes)
            return outcome
        }
        return nil
    }

    mutating func process(_ record: EnvelopeView, appendingTo writer: inout ByteWriter) -> Verdict? {
        let start = writer.count
        var outcome = bench.process(record, into: &writer)
        if !former.isEmpty, case .refused(let rejection) = outcome {
            outcome = second(record, rejection.code, from: start, into: &writer) ?? outcome
        }
        switch outcome {
        case .passed, .passedExcept:
            counters.countAccepted()
            return .accepted
        case .answered(let reply):
            counters.countAccepted()
            return Verdict(httpStatus: 200, code: "", reply: reply)
        case .refused(let rejection):
            counters.countRefused(code: rejection.code.rawValue, source: record.sourceBytes)
            return Verdict(
                httpStatus: rejection.code.httpStatus, code: rejection.code.rawValue)
        }
    }
}
