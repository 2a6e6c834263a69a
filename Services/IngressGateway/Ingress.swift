import AdminServer
import CommitLog
import Executable
import Journal
import NIOPosix
import PipelineConfiguration
import Primitives
import StageMetrics
import Synchronization
import WebhookIntake
import Wire

/// What an ingress needs to know to start.
struct IngressSettings: Sendable {
    var instance: String
    var limits = IngressLimits()
    var sources: [SourceRoute]
    var socket: ListeningSocket
    /// Proxies whose `X-Forwarded-For` is believed.
    var trustedProxies: [IPNetwork] = []
    /// With it the door speaks TLS only.
    var tls: ListenerTLS?
    var quotas = QuotaSettings()
    /// Threads that speak HTTP.
    var eventLoops = 1
    /// The share of webhooks without a trace context that get one.
    var startedTraces = 0.0
}

extension IngressSettings {
    /// What the door goes by and can change.
    var front: FrontSettings {
        FrontSettings(
            limits: limits, sources: SourceTable(sources), clients: ClientAddresses(trusted: trustedProxies))
    }
}

/// The whole ingress: front door, journal and bus, wired together.
///
/// ```
/// event loop ──batch──> mailbox ──> journal thread ──sealed batch──> bus thread ──> verifiers
///      ^                                │ refused                        │ answers
///      └────────────────────────────────┴────────────────────────────────┘
/// ```
final class Ingress<Port: BusPort>: Sendable {
    let state = JournalState()
    let startedAt = monotonicNanoseconds()
    let bus: Port
    let reprocessIntake: ReprocessIntake
    private let door: FrontDoor
    private let tls: FrontTLS
    private let quotas: Quotas
    private let bodyBytes: Int
    private let journal: JournalThread
    private let pending: PendingAnswers

    /// Opens the journal, joins the bus and opens the door, in this order, so that nothing comes in before it can go
    /// on. `connect` makes the bus on the journal's thread from what the journal says of itself. `failed` is told when the
    /// journal's disk failed: the ingress refuses webhooks, and has to be stopped and started anew.
    init(
        _ settings: IngressSettings, registry: MetricRegistry,
        openJournal: @escaping @Sendable () throws -> Journal,
        connect: @escaping @Sendable (Journal, BusDelegate) throws -> Port,
        report: @escaping @Sendable (String) -> Void, failed: @escaping @Sendable (LogError) -> Void
    ) throws {
        let mailbox = JournalMailbox()
        let pending = PendingAnswers()
        self.pending = pending
        let quotas = Quotas(settings.quotas)
        self.quotas = quotas
        let metrics = IngressMetrics(registry, state: state, quotas: quotas)
        let builder = EnvelopeBuilder(instance: settings.instance, startedTraces: settings.startedTraces)
        tls = try FrontTLS(settings.tls, registry)
        bodyBytes = settings.limits.bodyBytes
        let shared = FrontShared(
            settings: settings.front, builder: builder, mailbox: mailbox, state: state, metrics: metrics,
            quotas: quotas)
        let loops = try FrontDoor.Loops(shared, count: settings.eventLoops)
        for (number, loop) in loops.group.makeIterator().enumerated() {
            loop.keepBeating(registry.heartbeat(of: "http-\(number)"))
        }
        reprocessIntake = ReprocessIntake(
            sinkIndex: Int32(loops.sinks.count), sources: settings.sources, maxBodyBytes: settings.limits.bodyBytes,
            builder: builder, mailbox: mailbox)
        let sinks = AnswerSinks(sinks: loops.sinks + [reprocessIntake])
        let answers = JournalAnswers(pending: pending, sinks: sinks, quotas: quotas)
        journal = JournalThread(
            mailbox: mailbox, delegate: answers, state: state, metrics: metrics.journal,
            heartbeat: registry.heartbeat(of: "journal"), report: report, failed: failed)
        let delegate = BusDelegate(mailbox: mailbox, delegate: answers, report: report)
        bus = try journal.start(open: openJournal) { try connect($0, delegate) }
        door = try FrontDoor(loops, socket: settings.socket, tls: tls, report: report)
    }

    var port: Int { door.port }

    /// Goes by other settings from the next request and the next connection on; open connections stay. What a start alone
    /// can change (the socket, the threads, the largest body) stays as it is. Throws, and changes nothing, where the
    /// certificate cannot be used. Not for an event loop.
    func take(_ settings: IngressSettings) throws(StageFailure) {
        let fresh = try FrontTLS.read(settings.tls)
        var front = settings.front
        front.limits.bodyBytes = bodyBytes
        tls.replace(fresh)
        reprocessIntake.replace(settings.sources)
        // The journal keeps the budget that it was opened with.
        quotas.book.withLock { $0.settings.quotas = settings.quotas.quotas }
        door.take(front)
    }

    /// Ends in order: nobody new, finish what is open, commit what waits, leave the bus. Nobody is left waiting: what is
    /// on disk by then is accepted, all else is told to come again.
    func stop() throws {
        reprocessIntake.close()
        let closed = Result { try door.stop() }
        journal.stop()
        reprocessIntake.end(journaled: pending.takeAll())
        bus.stop()
        try closed.get()
    }
}
