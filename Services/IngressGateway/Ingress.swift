import AdminServer
import CommitLog
import Executable
import HTTPFront
import Journal
import NIOCore
import NIOPosix
import PipelineConfiguration
import Primitives
import StageMetrics
import Synchronization
import Threads
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
///
/// With several routers there are as many mailboxes, journals and buses; the source of a webhook says which are its own.
final class Ingress<Port: BusPort>: Sendable {
    /// The threads of one partition.
    struct Running: Sendable {
        let partition: Partition
        let journal: JournalThread
        let pending: PendingAnswers
        let bus: Port
    }

    let startedAt = monotonicNanoseconds()
    let running: [Running]
    let reprocessIntake: ReprocessIntake
    private let door: FrontDoor
    private let tls: FrontTLS
    private let bodyBytes: Int

    /// Opens the journals, joins the bus and opens the door, in this order, so that nothing comes in before it can go
    /// on. `connect` makes the bus on the journal's thread from what the journal says of itself. `failed` is told when a
    /// journal's disk failed: the ingress refuses webhooks, and has to be stopped and started anew.
    init(
        _ settings: IngressSettings, intakes: [IntakePartition] = [IntakePartition()], registry: MetricRegistry,
        openJournal: @escaping @Sendable (IntakePartition) throws -> Journal,
        connect: @escaping @Sendable (Journal, IntakePartition, BusDelegate) throws -> Port,
        report: @escaping @Sendable (String) -> Void, failed: @escaping @Sendable (LogError) -> Void
    ) throws {
        let partitions = intakes.map { Partition($0, settings.quotas) }
        let metrics = IngressMetrics(registry, partitions)
        let builder = EnvelopeBuilder(instance: settings.instance, startedTraces: settings.startedTraces)
        tls = try FrontTLS(settings.tls, registry)
        bodyBytes = settings.limits.bodyBytes
        let shared = FrontShared(
            settings: settings.front, builder: builder, partitions: partitions, metrics: metrics)
        let loops = try FrontDoor.Loops(shared, count: settings.eventLoops)
        for (number, loop) in loops.group.makeIterator().enumerated() {
            loop.execute { Scheduling.becomePatient() }
            loop.keepBeating(registry.heartbeat(of: "http-\(number)"))
        }
        reprocessIntake = ReprocessIntake(
            sinkIndex: Int32(loops.sinks.count), sources: settings.sources, maxBodyBytes: settings.limits.bodyBytes,
            builder: builder, partitions: partitions)
        let sinks = AnswerSinks(sinks: loops.sinks + [reprocessIntake])
        running = try partitions.map { partition in
            let (intake, pending) = (partition.intake, PendingAnswers())
            let answers = JournalAnswers(pending: pending, sinks: sinks, quotas: partition.quotas)
            let journal = intake.journalThread(registry, delegate: answers, report: report, failed: failed)
            let delegate = BusDelegate(mailbox: intake.mailbox, delegate: answers, report: report)
            let bus = try journal.start(open: { try openJournal(intake) }) { try connect($0, intake, delegate) }
            return Running(partition: partition, journal: journal, pending: pending, bus: bus)
        }
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
        // The journals keep the budget that they were opened with.
        for each in running { each.partition.quotas.book.withLock { $0.settings.quotas = settings.quotas.quotas } }
        door.take(front)
    }

    /// Ends in order: nobody new, finish what is open, commit what waits, leave the bus. Nobody is left waiting: what is
    /// on disk by then is accepted, all else is told to come again.
    func stop() throws {
        reprocessIntake.close()
        let closed = Result { try door.stop() }
        for each in running { each.partition.intake.awaitSettlement(by: each.bus) }
        for each in running { each.journal.stop() }
        reprocessIntake.end(journaled: running.flatMap { $0.pending.takeAll() })
        for each in running { each.bus.stop() }
        try closed.get()
    }
}
