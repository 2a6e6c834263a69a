import AdminServer
import NIOCore
import NIOPosix
import StageMetrics
import Synchronization
import Threads

/// The event loops that deliver, each with a hub of its own. A lane belongs to one loop for as long as it lives, so all
/// that happens to a subscription happens in order, and what holds up one loop holds up no lane of another.
package final class DeliveryLoops: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let hubs: [NIOLoopBound<LaneHub>]
    /// The loop of each subscription that has a lane.
    private let places = Mutex<[String: Int]>([:])

    /// A loop per mailbox.
    init(_ mailboxes: [FeedMailbox], hub: @escaping @Sendable (FeedMailbox, any EventLoop) -> LaneHub) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: mailboxes.count)
        self.group = group
        hubs = try mailboxes.map { mailbox in
            let loop = group.next()
            let hub = try loop.submit { NIOLoopBound(hub(mailbox, loop), eventLoop: loop) }.wait()
            mailbox.onArrival { loop.execute { hub.value.drain() } }
            return hub
        }
    }

    func start(_ registry: MetricRegistry) {
        for (number, hub) in hubs.enumerated() {
            hub.eventLoop.execute { hub.value.start() }
            hub.eventLoop.keepBeating(registry.heartbeat(of: "delivery-\(number)"))
        }
    }

    /// Runs `body` on every loop and waits until each has called what it got, for so long each at most. Not for any of the
    /// loops. False where one has not.
    func settle(
        milliseconds: Int, _ body: @escaping @Sendable (LaneHub, @escaping @Sendable () -> Void) -> Void
    ) -> Bool {
        let ended = TimedSemaphore()
        for hub in hubs { hub.eventLoop.execute { body(hub.value) { ended.signal() } } }
        return hubs.allSatisfy { _ in ended.wait(milliseconds: milliseconds) }
    }

    func shutDown() { try? group.syncShutdownGracefully() }

    // MARK: Lanes

    /// Chooses the loop of a lane to come: the one with the fewest.
    func assign(_ subscription: String) {
        places.withLock { places in
            guard places[subscription] == nil else { return }
            let counts = places.values.reduce(into: [Int](repeating: 0, count: hubs.count)) { $0[$1] += 1 }
            places[subscription] = counts.indices.min { counts[$0] < counts[$1] }
        }
    }

    /// The lane is no more.
    func release(_ subscription: String) { places.withLock { _ = $0.removeValue(forKey: subscription) } }

    private func hub(of subscription: String) -> NIOLoopBound<LaneHub> {
        hubs[places.withLock { $0[subscription] } ?? 0]
    }

    /// The loop of a lane; of none any loop.
    func loop(of subscription: String) -> any EventLoop { hub(of: subscription).eventLoop }

    /// Runs `body` on the loop of a lane, later.
    func execute(on subscription: String, _ body: @escaping @Sendable (LaneHub) -> Void) {
        let hub = hub(of: subscription)
        hub.eventLoop.execute { body(hub.value) }
    }

    /// Runs `body` on the loop of a lane and waits; not for any of the loops.
    func run<Value: Sendable>(
        on subscription: String, _ body: @escaping @Sendable (LaneHub) throws -> Value
    ) throws -> Value {
        let hub = hub(of: subscription)
        return try hub.eventLoop.submit { try body(hub.value) }.wait()
    }

    /// Runs `body` on every loop and waits for what each says; not for any of the loops.
    func all<Value: Sendable>(_ body: @escaping @Sendable (LaneHub) throws -> Value) throws -> [Value] {
        try hubs.map { hub in hub.eventLoop.submit { try body(hub.value) } }.map { try $0.wait() }
    }

    /// What `body` makes of every lane, in the order of their names. Waits; not for any of the loops.
    package func lanes<Value: Sendable>(_ body: @escaping @Sendable (Lane) -> Value) throws -> [Value] {
        try all { hub in hub.lanes.map { ($0.settings.name, body($0)) } }.joined().sorted { $0.0 < $1.0 }.map(\.1)
    }
}
