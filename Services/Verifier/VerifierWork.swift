import Bus
import Events
import Metrics
import StageRuntime
import Wire

/// The verifier's work on the bus: `VerifierStage` with the keys of the day, counted.
///
/// After secrets were read again, webhooks received before that are judged by the former keys too, so that a rotation
/// refuses no good request.
struct VerifierWork: StageWork {
    private let shelf: KeyShelf
    private let counters: OutcomeCounters
    private let maxInflatedBytes: Int
    private var stage: VerifierStage
    private var generation: Int
    private var former: (stage: VerifierStage, retiredAtNanoseconds: Int64)?

    init(_ shelf: KeyShelf, _ environment: StageEnvironment, maxInflatedBytes: Int) {
        self.shelf = shelf
        self.maxInflatedBytes = maxInflatedBytes
        counters = OutcomeCounters(environment.registry, sources: environment.configuration.sources.map(\.name))
        let current = shelf.current
        stage = VerifierStage(sources: current.sources, maxInflatedBytes: maxInflatedBytes)
        generation = current.generation
    }

    mutating func betweenBatches() {
        let current = shelf.current
        guard current.generation != generation else { return }
        former = (stage, wallNanoseconds())
        stage = VerifierStage(sources: current.sources, maxInflatedBytes: maxInflatedBytes)
        generation = current.generation
    }

    mutating func process(_ record: EnvelopeView, appendingTo writer: inout ByteWriter) -> Verdict {
        let start = writer.count
        var outcome = stage.process(record, into: &writer)
        if case .refused = outcome, var former, record.receivedAtNanoseconds <= former.retiredAtNanoseconds {
            var second = ByteWriter()
            let formerOutcome = former.stage.process(record, into: &second)
            if case .passed = formerOutcome {
                writer.bytes.removeLast(writer.count - start)
                writer.raw(second.bytes)
                outcome = formerOutcome
            }
        }
        switch outcome {
        case .passed:
            counters.countAccepted()
            return .accepted
        case .refused(let rejection, let httpStatus):
            counters.countRefused(code: rejection.code.rawValue, source: record.sourceBytes)
            return Verdict(httpStatus: httpStatus, code: rejection.code.rawValue)
        }
    }
}
