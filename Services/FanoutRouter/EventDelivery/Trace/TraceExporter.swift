import Dispatch
import EventLog
import Events
import Executable
import PipelineConfiguration
import Primitives
import StageMetrics
import StageProcess
import Synchronization
import Wire

/// Sends the ways of sampled webhooks to a collector: a span per stage, from the stamps that the envelope carried, and one
/// per delivery attempt. The router alone does it, as the one stage that sees all stamps and may connect to others.
///
/// Never in the way of the data path: what does not fit into a bounded buffer, or is not taken by the collector at once, is
/// dropped and counted.
package final class TraceExporter: Sendable {
    /// Posts a request body and says whether it was taken. Blocks.
    package typealias Export = @Sendable ([UInt8]) -> Bool

    /// Spans that wait.
    static let mostWaiting = 8192
    /// Spans of one request.
    static let mostAtOnce = 1024
    private static let interval = DispatchTimeInterval.seconds(1)

    private let share: Double
    private let router: String
    private let export: Export
    private let waiting = Mutex<[TraceSpan]>([])
    private let queue = DispatchQueue(label: "trace-export")
    private let exported: Counter
    private let dropped: Counter
    private let failed: Counter

    /// `share`: of the webhooks whose senders' contexts are sampled. `router`: this instance.
    init(share: Double, router: String, _ registry: MetricRegistry, _ export: @escaping Export) {
        (self.share, self.router, self.export) = (share, router, export)
        func counter(_ outcome: String) -> Counter {
            registry.counter(
                "tributary_trace_spans_total", help: "Spans for the collector of traces, and what became of them.",
                labels: [("outcome", outcome)])
        }
        (exported, dropped, failed) = (counter("exported"), counter("dropped"), counter("failed"))
    }

    /// Nil where nothing is to be traced.
    convenience init?(_ environment: StageEnvironment, _ export: @escaping Export) {
        guard let trace = environment.configuration.trace else { return nil }
        self.init(share: trace.sample, router: environment.instance, environment.registry, export)
    }

    func start() { queue.asyncAfter(deadline: .now() + Self.interval) { [weak self] in self?.send() } }

    private func send() {
        defer { start() }
        while true {
            let spans = waiting.withLock { waiting in
                let spans = Array(waiting.prefix(Self.mostAtOnce))
                waiting.removeFirst(spans.count)
                return spans
            }
            guard !spans.isEmpty else { return }
            (export(TraceSpan.request(spans)) ? exported : failed).add(spans.count)
        }
    }

    private func add(_ spans: [TraceSpan]) {
        let isTaken = waiting.withLock { waiting in
            guard waiting.count + spans.count <= Self.mostWaiting else { return false }
            waiting += spans
            return true
        }
        if !isTaken { dropped.add(spans.count) }
    }

    /// The ids of a context whose trace is to be sent; nil where it is not.
    func wanted(_ context: UnsafeRawBufferPointer) -> TraceContext.Ids? {
        guard let ids = TraceContext.Ids(context), ids.isSampled, ids.isOwn || ids.lies(in: share) else { return nil }
        return ids
    }

    /// The span of the ingress, below which all others are.
    static func root(_ ids: TraceContext.Ids, _ record: EventRecord) -> UInt64 {
        ids.isOwn ? ids.span : derived(ids, record.sequence, 1)
    }

    private static func derived(_ ids: TraceContext.Ids, _ sequence: UInt64, _ place: UInt64) -> UInt64 {
        var mixed = UInt64(truncatingIfNeeded: ids.trace) ^ ids.span ^ (sequence << 8 | place)
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return max(1, mixed ^ mixed >> 31)
    }

    /// Takes the way of each sampled webhook of a row as far as the event log. On the log thread.
    func record(_ row: RenderedBatch) {
        var last: (journal: JournalID, sequence: UInt64)?
        row.forEachTrace { position, context in
            guard let ids = wanted(context) else { return }
            _ = row.batch.withRecord(at: position) { record in
                // The elements of one webhook came the same way.
                if let last, last == (record.journal, record.sequence) { return }
                last = (record.journal, record.sequence)
                add(spans(of: record, row.batch, ids))
            }
        }
    }

    private func spans(of record: EventRecord, _ batch: EventBatch, _ ids: TraceContext.Ids) -> [TraceSpan] {
        let root = Self.root(ids, record)
        let router = StageStamp(
            stage: .router, instance: router, startedNanoseconds: batch.takenAtNanoseconds,
            finishedNanoseconds: batch.appendedAtNanoseconds)
        return (record.stamps + [router]).enumerated().map { place, stamp in
            let isFirst = place == 0
            let service = Stage(ofInstance: stamp.instance)?.rawValue ?? "\(stamp.stage)"
            return TraceSpan(
                trace: ids.trace, span: isFirst ? root : Self.derived(ids, record.sequence, UInt64(place + 1)),
                parent: isFirst ? (ids.isOwn ? 0 : ids.span) : root, name: service, kind: isFirst ? .server : .consumer,
                startedNanoseconds: stamp.startedNanoseconds, endedNanoseconds: stamp.finishedNanoseconds,
                service: service, instance: stamp.instance, attributes: Self.attributes(record))
        }
    }

    private static func attributes(_ record: EventRecord) -> [(name: String, value: TraceSpan.Attribute)] {
        let texts: [(String, UnsafeRawBufferPointer?)] = [
            ("tributary.source", record.source), ("cloudevents.event_id", record.attribute("id")),
            ("cloudevents.event_type", record.attribute("type")),
        ]
        return texts.compactMap { name, value in value.map { (name, .text(String(decoding: $0, as: UTF8.self))) } }
    }

    /// Takes one attempt.
    func attempt(
        _ ids: TraceContext.Ids, below parent: UInt64, of subscription: String, number: Int,
        started: Int64, ended: Int64, _ outcome: AttemptOutcome
    ) {
        var attributes: [(name: String, value: TraceSpan.Attribute)] = [
            ("tributary.subscription", .text(subscription)), ("tributary.attempt", .number(number)),
            ("tributary.outcome", .text(outcome.word)),
        ]
        if let status = outcome.status { attributes.append(("http.response.status_code", .number(status))) }
        add([
            TraceSpan(
                trace: ids.trace, span: .random(in: 1 ... .max), parent: parent, name: "deliver", kind: .client,
                startedNanoseconds: started, endedNanoseconds: ended, service: Stage.fanoutRouter.rawValue,
                instance: router, attributes: attributes, hasFailed: outcome.verdict != .delivered)
        ])
    }
}

/// A destination whose attempts at sampled events are traced. Several events in one request are not.
final class TracedDestination: Destination {
    let inner: any Destination
    private let subscription: String
    private let tracer: TraceExporter

    init(_ inner: any Destination, of subscription: String, _ tracer: TraceExporter) {
        (self.inner, self.subscription, self.tracer) = (inner, subscription, tracer)
    }

    func deliver(_ delivery: Delivery, completion: @escaping (AttemptOutcome) -> Void) {
        guard case .single(let content) = delivery.content, !content.trace.isEmpty,
            let ids = content.trace.withUnsafeBytes({ tracer.wanted($0) }),
            let parent = content.withRecord({ TraceExporter.root(ids, $0) })
        else { return inner.deliver(delivery, completion: completion) }
        let started = steadyNanoseconds()
        inner.deliver(delivery) { [subscription, tracer] outcome in
            tracer.attempt(
                ids, below: parent, of: subscription, number: delivery.attempt, started: started,
                ended: steadyNanoseconds(), outcome)
            completion(outcome)
        }
    }

    func close(successor: (any Destination)?) {
        inner.close(successor: (successor as? TracedDestination)?.inner ?? successor)
    }
}
