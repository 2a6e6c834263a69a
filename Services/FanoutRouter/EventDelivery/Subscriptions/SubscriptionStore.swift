import Dispatch
import EventLog
import Logging
import NIOCore
import PipelineConfiguration
import StageMetrics
import Synchronization
import Threads

/// Knows every subscription, configured or made through the API, and changes them one after the other.
///
/// What the API makes is durable before it is answered and is then given to the lanes; what a crash leaves between the
/// two is put right by the next start, which makes the lanes out of what is stored. A name that the configuration has
/// too belongs to the configuration; the stored subscription of that name rests meanwhile and shares its cursor.
///
/// Methods block; any thread but the loops of the lanes, the log thread and the reader thread may call them.
package final class SubscriptionStore: Sendable {
    /// Most subscriptions, configured ones included.
    static let most = 1000
    /// Rows that go at once when a subscription is deleted: a commit of a few milliseconds.
    static let droppedRows = 1000
    /// How long an answer waits for the log to save a pause.
    static let patienceMilliseconds = 5_000

    /// What the store works with.
    struct Dependencies: Sendable {
        let writer: LogWriter
        let reading: LogReading
        let loops: DeliveryLoops
        let registry: MetricRegistry
        let logger: Logger
        /// Nanoseconds since 1970.
        var clock: @Sendable () -> Int64 = { steadyNanoseconds() }
    }

    struct State: Sendable {
        var configured: [String: KnownSubscription] = [:]
        var stored: [String: KnownSubscription] = [:]
        /// Stored documents that this version cannot read, and why. They keep their name and their place.
        var unreadable: [String: String] = [:]
        /// Deleted, while rows of theirs are left; the names are not free yet.
        var leaving: Set<String> = []
        var isStopped = false
        /// When the next look for secrets that are over is set for.
        var expiryDue: Int64?
        var rules: SubscriptionRules
        var lanes: LaneMaker

        /// The one that the name stands for.
        subscript(_ name: String) -> KnownSubscription? { configured[name] ?? stored[name] }

        /// By name.
        var all: [KnownSubscription] {
            stored.merging(configured) { _, configured in configured }.values.sorted { $0.name < $1.name }
        }

        var count: Int { stored.count + unreadable.count + configured.keys.count { stored[$0] == nil } }
    }

    let dependencies: Dependencies
    let state: Mutex<State>
    /// Changes are made on it, one after the other.
    let queue = DispatchQueue(label: "subscriptions")

    /// Loads both kinds and makes their lanes; nothing moves before the loops start. Throws where the log cannot be read
    /// or a configured subscription lacks something.
    init(
        _ configured: [KnownSubscription], rules: SubscriptionRules, lanes: LaneMaker, dependencies: Dependencies
    ) throws {
        self.dependencies = dependencies
        var state = State(rules: rules, lanes: lanes)
        for subscription in configured {
            try lanes.check(subscription, at: dependencies.clock())
            state.configured[subscription.name] = subscription
        }
        for stored in try dependencies.writer.perform({ try $0.subscriptions() }) {
            Self.take(stored, into: &state, dependencies)
        }
        let all = state.all
        self.state = Mutex(state)
        for subscription in all { try addLane(subscription) }
        queue.async { self.expireSecrets() }
    }

    private static func take(_ stored: StoredSubscription, into state: inout State, _ dependencies: Dependencies) {
        let logger = dependencies.logger
        if state.configured[stored.name] != nil {
            logger.notice(
                "a subscription of the API rests, because the configuration has one of the same name",
                metadata: ["subscription": "\(stored.name)"])
        }
        do {
            let subscription = try KnownSubscription(stored, sources: state.rules.sources)
            try state.lanes.check(subscription, at: dependencies.clock())
            state.stored[stored.name] = subscription
        } catch {
            state.unreadable[stored.name] = "\(error)"
            logger.error(
                "a stored subscription cannot be read; it keeps its place and delivers nothing",
                metadata: ["subscription": "\(stored.name)", "cause": "\(error)"])
        }
    }

    // MARK: Looking

    /// The subscription of that name. Throws `not_found`, or `conflict` where it is there and cannot be read.
    package func subscription(_ name: String) throws(RouterError) -> KnownSubscription {
        let (found, cause) = state.withLock { ($0[name], $0.unreadable[name]) }
        if let found { return found }
        if let cause {
            throw RouterError(.conflict, "the stored subscription \(name) cannot be read: \(cause); delete it")
        }
        throw RouterError(.notFound, "no subscription is named \(name)")
    }

    /// By name.
    package var subscriptions: [KnownSubscription] { state.withLock { $0.all } }

    /// What makes their lanes.
    var lanes: LaneMaker { state.withLock { $0.lanes } }

    /// The same where the API made it. Throws `conflict` for a configured one.
    func changeable(_ name: String) throws(RouterError) -> (KnownSubscription, StoredSubscription) {
        let subscription = try subscription(name)
        guard let stored = subscription.stored else {
            throw RouterError(.conflict, "\(name) comes from the configuration: change the configuration and reload")
        }
        return (subscription, stored)
    }

    /// Lets what is under way end and changes nothing any more. Call it before the loops of the lanes end.
    func stop() {
        state.withLock { $0.isStopped = true }
        queue.sync {}
    }

    // MARK: Lanes

    /// The lanes, for as long as they may be asked.
    var loops: DeliveryLoops {
        get throws(RouterError) {
            guard !state.withLock({ $0.isStopped }) else { throw RouterError(.unavailable, "the router is stopping") }
            return dependencies.loops
        }
    }

    /// Makes and starts a lane from what is saved of it.
    func addLane(_ subscription: KnownSubscription) throws {
        let saved = try dependencies.writer.perform { try $0.lane(subscription.name) }
        let (lanes, now, loops) = (lanes, dependencies.clock(), try loops)
        loops.assign(subscription.name)
        try loops.run(on: subscription.name) { $0.add(try lanes.lane(subscription, saved: saved, in: $0, at: now)) }
    }

    /// Gives a lane what it is from now on; attempts under way end as they began.
    func reconfigureLane(_ subscription: KnownSubscription) throws {
        let (lanes, now) = (lanes, dependencies.clock())
        try loops.run(on: subscription.name) { hub in
            guard let lane = hub.lane(subscription.name) else { return }
            let destination = try lanes.destination(subscription, on: hub.loop, former: lane.destination, at: now)
            lane.reconfigure(lanes.settings(subscription), destination: destination)
        }
    }

    /// Stops a lane that is no more. What it has saved until now is through the log when this returns, so that it does
    /// not pass for the progress of a later one of that name.
    func removeLane(_ name: String) {
        try? settle(name) { _ = $0.remove(name) }
        dependencies.loops.release(name)
    }

    /// Runs `body` on the loop of a lane and waits until the log has saved what it left there.
    func settle(_ name: String, _ body: @escaping @Sendable (LaneHub) -> Void) throws {
        let saved = TimedSemaphore()
        let writer = dependencies.writer
        try loops.run(on: name) { hub in
            body(hub)
            hub.settle { saved.signal() }
        }
        guard saved.wait(milliseconds: Self.patienceMilliseconds) else {
            throw RouterError(
                .unavailable, "the event log saves nothing now: \(writer.problem?.description ?? "it is busy")")
        }
    }
}
