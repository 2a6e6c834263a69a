import Bus
import Events
import Providers
import StageRuntime
import Wire

/// The normaliser's work on the bus: `NormaliserStage`, counted.
struct NormaliserWork: StageWork {
    private let counters: OutcomeCounters
    private var stage: NormaliserStage

    init(_ environment: StageEnvironment) {
        let sources = environment.configuration.sources
        counters = OutcomeCounters(environment.registry, sources: sources.map(\.name))
        stage = NormaliserStage(
            sources: sources.compactMap { source in
                ProviderRegistry.provider(named: source.provider).map { (source.name, $0, source.mapping) }
            })
    }

    mutating func betweenBatches() {}

    mutating func process(_ record: EnvelopeView, appendingTo writer: inout ByteWriter) -> Verdict {
        switch stage.process(record, into: &writer) {
        case .passed, .answered:
            counters.countAccepted()
            return .accepted
        case .passedExcept(let rejections):
            counters.countAccepted()
            for rejection in rejections {
                counters.countRefusedElement(code: rejection.code.rawValue, source: record.sourceBytes)
            }
            return .accepted
        case .refused(let rejection, let httpStatus):
            counters.countRefused(code: rejection.code.rawValue, source: record.sourceBytes)
            return Verdict(httpStatus: httpStatus, code: rejection.code.rawValue)
        }
    }
}
