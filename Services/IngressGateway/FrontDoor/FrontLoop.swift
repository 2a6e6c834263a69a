import HTTPFront
import NIOCore
import StageMetrics
import Synchronization
import WebhookIntake
import Wire

/// What all event loops of the front door share.
struct FrontShared: Sendable {
    /// What the loops start with.
    let settings: FrontSettings
    let builder: EnvelopeBuilder
    /// One per router.
    let partitions: [Partition]
    let metrics: IngressMetrics
    let caps = ConnectionCaps()
    let bodies = BodyMemory()
}

/// What bodies that are being received take up, on all event loops. Thread-safe.
final class BodyMemory: Sendable {
    private let reserved = Atomic<Int>(0)

    /// False, and nothing is reserved, where it would be more than `most` in all.
    func reserve(_ bytes: Int, most: Int) -> Bool {
        if reserved.add(bytes, ordering: .relaxed).newValue <= most { return true }
        release(bytes)
        return false
    }

    func release(_ bytes: Int) { reserved.subtract(bytes, ordering: .relaxed) }
}

/// What can be changed while the door is open.
struct FrontSettings: Sendable {
    var limits: IngressLimits
    var sources: SourceTable
    var clients = ClientAddresses(trusted: [])
}

/// The front door's part on one event loop: the table of its connections and the batch that it is collecting.
///
/// What the connections accept in one turn of the loop goes to the journal together, when the turn is over.
final class FrontLoop {
    let sinkIndex: Int32
    var limits: IngressLimits { settings.limits }
    var sources: SourceTable { settings.sources }
    var clients: ClientAddresses { settings.clients }
    var metrics: IngressMetrics { shared.metrics }
    var renderer = ReplyRenderer()
    /// What one connection is about to be sent; as soon as the socket has it, the next one uses its memory again.
    var answers = ByteBufferAllocator().buffer(capacity: 256)
    private(set) var isDraining = false

    private let shared: FrontShared
    private var settings: FrontSettings
    private let eventLoop: any EventLoop
    private var connections: [(connection: Connection?, generation: UInt32)] = []
    private var vacant: [Int32] = []
    private var occupied = 0
    /// By router.
    private var collected: [CollectedBatches]
    private var handOverIsDue = false
    private var bodiesBytes = 0
    /// Only while there are connections: a loop that has none sleeps.
    private var sweepIsDue = false
    /// How many of the requests that wait for the quotas may still be refused in this sweep.
    private var refusalsLeft = 0
    private var drained: EventLoopPromise<Void>?

    init(_ shared: FrontShared, sinkIndex: Int32, eventLoop: any EventLoop) {
        self.shared = shared
        settings = shared.settings
        collected = shared.partitions.map { _ in CollectedBatches() }
        self.sinkIndex = sinkIndex
        self.eventLoop = eventLoop
    }

    /// Goes by other settings from the next request on.
    func take(_ settings: FrontSettings) {
        self.settings = settings
    }

    /// Takes a new connection in, as far as there is room. `client` is nil for a trusted proxy.
    func enter(_ connection: Connection, _ client: ConnectionCaps.ClientKey?) -> ConnectionCaps.Admission {
        let slot = vacant.popLast() ?? Int32(connections.count)
        if Int(slot) == connections.count { connections.append((nil, 0)) }
        connections[Int(slot)].connection = connection
        connections[Int(slot)].generation &+= 1
        connection.place = (slot, connections[Int(slot)].generation)
        occupied += 1
        if !sweepIsDue {
            renderer.refreshDate()
            scheduleSweep()
        }
        connection.admission = shared.caps.enter(
            client, most: isDraining ? 0 : limits.connections, mostPerClient: limits.connectionsPerAddress)
        metrics.connections.set(Double(shared.caps.admitted))
        return connection.admission
    }

    func leave(_ connection: Connection) {
        let slot = Int(connection.place.slot)
        guard connections.indices.contains(slot), connections[slot].connection === connection else { return }
        connections[slot].connection = nil
        vacant.append(Int32(slot))
        occupied -= 1
        shared.caps.leave(connection.admission)
        metrics.connections.set(Double(shared.caps.admitted))
        if occupied == 0 { drained?.succeed() }
        if occupied == 0 { drained = nil }
    }

    /// Whether no connection is open and no memory is reserved for bodies.
    var isEmpty: Bool { occupied == 0 && bodiesBytes == 0 }

    /// What is kept for the router of a source.
    func partition(of source: SourceRoute) -> Partition { shared.partitions[source.router] }

    /// Whether one more request that has waited for the quotas for long enough is refused in this sweep. A flood waits as
    /// one; answered as one, all its bodies would come at once.
    func takeRefusal() -> Bool {
        refusalsLeft -= 1
        return refusalsLeft >= 0
    }

    /// Reserves memory for a part of a body; false when too much is held already.
    func reserve(_ bytes: Int) -> Bool {
        guard shared.bodies.reserve(bytes, most: IngressLimits.unfinishedBodiesBytes) else { return false }
        bodiesBytes += bytes
        return true
    }

    func release(_ bytes: Int) {
        bodiesBytes -= bytes
        shared.bodies.release(bytes)
    }

    /// Adds a complete request to the batch, or answers at once what is not journaled.
    func admit(_ request: AcceptedRequest, _ token: ReplyToken) -> Answer? {
        let source = request.target.source
        let partition = partition(of: source)
        var answer = partition.refusal.map(Answer.refused)
        if answer == nil, !collected[source.router].append(request, token, shared.builder) { answer = .probe }
        if answer != nil {
            partition.quotas.book.withLock { $0.release(token.receipt) }
        } else if !handOverIsDue {
            handOverIsDue = true
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.execute { bound.value.handOver() }
        }
        return answer
    }

    /// Takes answers to the connections that wait for them; those that left are passed over.
    func deliver(_ answers: [(ReplyToken, Answer)]) {
        var ready: [Connection] = []
        for (token, answer) in answers {
            let entry = connections[Int(token.slot)]
            guard entry.generation == token.generation, let connection = entry.connection else { continue }
            if connection.set(token.request, answer), ready.last !== connection { ready.append(connection) }
        }
        for connection in ready { connection.flush() }
    }

    /// Closes every connection with the answer to its next request or, after a grace, as soon as nothing is owed on it, and
    /// those that are left after the time for it. Without the grace requests would cross the close of their connections,
    /// unanswered, wherever they follow one another.
    func drain() -> EventLoopFuture<Void> {
        isDraining = true
        let promise = eventLoop.makePromise(of: Void.self)
        if occupied == 0 {
            promise.succeed()
            return promise.futureResult
        }
        drained = promise
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .nanoseconds(IngressLimits.drainGraceNanoseconds)) {
            for entry in bound.value.connections { entry.connection?.drain() }
        }
        eventLoop.scheduleTask(in: .nanoseconds(IngressLimits.drainNanoseconds)) {
            for entry in bound.value.connections { entry.connection?.closeNow() }
        }
        return promise.futureResult
    }

    private func handOver() {
        handOverIsDue = false
        for router in collected.indices {
            let batches = collected[router].take()
            if !batches.isEmpty { shared.partitions[router].intake.mailbox.submit(batches) }
        }
    }

    private func scheduleSweep() {
        sweepIsDue = true
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .milliseconds(IngressLimits.sweepMilliseconds)) { bound.value.sweep() }
    }

    private func sweep() {
        renderer.refreshDate()
        refusalsLeft = max(IngressLimits.refusalsPerSweep, occupied / IngressLimits.refusalsPerSweep)
        let now = monotonicNanoseconds()
        for entry in connections { entry.connection?.sweep(now) }
        sweepIsDue = false
        if occupied > 0 { scheduleSweep() }
    }
}

/// Takes answers to the event loop of their connections: one task per batch.
final class FrontSink: AnswerSink {
    private let loop: NIOLoopBound<FrontLoop>
    private let eventLoop: any EventLoop

    init(_ loop: NIOLoopBound<FrontLoop>, eventLoop: any EventLoop) {
        self.loop = loop
        self.eventLoop = eventLoop
    }

    func deliver(_ answers: [(ReplyToken, Answer)]) {
        let loop = loop
        eventLoop.execute { loop.value.deliver(answers) }
    }
}
