import Bus
import Events
import PipelineConfiguration
import Providers
import StageMetrics
import StageProcess
import Wire

/// The normaliser's work on the bus: `NormaliserStage` with the mappings of the day, counted.
///
/// After a reload the present mappings count for every webhook. Only sources that were removed are known a while longer:
/// for what was received before, and because the ingress hears of it last.
struct NormaliserWork: StageWork {
    /// How many former sets of mappings are kept.
    private static let maxFormer = 4
    /// How long after a reload webhooks of a removed source are still mapped.
    static let removalGraceNanoseconds: Int64 = 30_000_000_000

    private let box: VersionedBox<[SourceConfiguration]>
    private let registry: MetricRegistry
    private var counters: OutcomeCounters
    private var stage: NormaliserStage
    private var generation: Int
    /// Newest first.
    private var former: [(stage: NormaliserStage, retiredAtNanoseconds: Int64)] = []

    init(_ box: VersionedBox<[SourceConfiguration]>, _ registry: MetricRegistry) {
        self.box = box
        self.registry = registry
        let current = box.current
        generation = current.generation
        counters = OutcomeCounters(registry, sources: current.value.map(\.name))
        stage = NormaliserStage(current.value)
    }

    mutating func betweenBatches() {
        let current = box.current
        guard current.generation != generation else { return }
        former.insert((stage, wallNanoseconds()), at: 0)
        former = Array(former.prefix(Self.maxFormer))
        generation = current.generation
        counters = OutcomeCounters(registry, sources: current.value.map(\.name))
        stage = NormaliserStage(current.value)
    }

    mutating func process(_ record: EnvelopeView, appendingTo writer: inout ByteWriter) -> Verdict? {
        switch outcome(of: record, &writer) {
        case .passed, .answered:
            counters.countAccepted()
        case .passedExcept(let rejections):
            counters.countAccepted()
            for rejection in rejections {
                counters.countRefusedElement(code: rejection.code.rawValue, source: record.sourceBytes)
            }
        case .refused(let rejection):
            counters.countRefused(code: rejection.code.rawValue, source: record.sourceBytes)
        }
        return nil
    }

    private mutating func outcome(of record: EnvelopeView, _ writer: inout ByteWriter) -> StageOutcome {
        let start = writer.count
        var outcome = stage.process(record, into: &writer)
        for place in former.indices
        where record.receivedAtNanoseconds <= former[place].retiredAtNanoseconds + Self.removalGraceNanoseconds {
            guard case .refused(let rejection) = outcome, rejection.code == .sourceUnknown else { break }
            writer.bytes.removeLast(writer.count - start)
            outcome = former[place].stage.process(record, into: &writer)
        }
        return outcome
    }
}

extension NormaliserStage {
    /// The sources of a configuration.
    init(_ sources: [SourceConfiguration]) {
        self.init(
            sources: sources.compactMap { source in
                ProviderRegistry.provider(named: source.provider).map { (source.name, $0, source.mapping) }
            })
    }
}
