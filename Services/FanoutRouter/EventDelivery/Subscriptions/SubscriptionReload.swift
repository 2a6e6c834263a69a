import Dispatch
import EventLog
import Executable
import NIOCore
import PipelineConfiguration
import StageMetrics
import Synchronization

extension SubscriptionStore {
    /// Takes other configured subscriptions, rules and connections instead of those that were. `between` runs when
    /// everything is made sure of and nothing is changed; what it throws leaves all as it was.
    ///
    /// A lane that goes keeps its place in the log. A stored subscription whose name the configuration gives free, or
    /// takes over, goes on from the same place with its own settings.
    func reload(
        _ configured: [KnownSubscription], rules: SubscriptionRules, lanes: LaneMaker,
        between: () throws(StageFailure) -> Void = {}
    ) throws(StageFailure) {
        let result = queue.sync { () -> Result<Void, StageFailure> in
            do throws(StageFailure) {
                let plan = try plan(configured, rules, lanes)
                try between()
                return .success(try apply(plan))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// What a reload does to the lanes.
    private struct Plan: Sendable {
        var state: State
        var removed: [String] = []
        var added: [(subscription: KnownSubscription, saved: SavedLane)] = []
        var kept: [KnownSubscription] = []
    }

    private func plan(
        _ configured: [KnownSubscription], _ rules: SubscriptionRules, _ lanes: LaneMaker
    ) throws(StageFailure) -> Plan {
        let former = state.withLock { $0 }
        var next = former
        next.rules = rules
        next.lanes = lanes
        next.configured = Dictionary(uniqueKeysWithValues: configured.map { ($0.name, $0) })
        for subscription in configured { try lanes.check(subscription, at: dependencies.clock()) }
        guard next.count <= Self.most else {
            throw StageFailure(
                .configuration, "\(next.count) subscriptions with those of the API; at most \(Self.most) are served")
        }
        var plan = Plan(state: next)
        plan.removed = former.all.map(\.name).filter { next[$0] == nil }
        for subscription in next.all {
            guard former[subscription.name] == nil else {
                plan.kept.append(subscription)
                continue
            }
            do {
                let saved = try dependencies.writer.perform { try $0.lane(subscription.name) }
                plan.added.append((subscription, saved))
            } catch {
                throw StageFailure(.io, "the place of \(subscription.name) cannot be read: \(error)")
            }
        }
        return plan
    }

    /// What a reload does to the lanes of one loop.
    private struct Prepared {
        let fresh: [Lane]
        let kept: [(lane: Lane, settings: LaneSettings, destination: any Destination)]

        init(_ plan: Plan, _ loops: DeliveryLoops, _ hub: LaneHub, at now: Int64) throws {
            let lanes = plan.state.lanes
            fresh = try plan.added.filter { loops.loop(of: $0.subscription.name) === hub.loop }.map {
                try lanes.lane($0.subscription, saved: $0.saved, in: hub, at: now)
            }
            kept = try plan.kept.compactMap { subscription in
                try hub.lane(subscription.name).map { lane in
                    let destination = try lanes.destination(
                        subscription, on: hub.loop, former: lane.destination, at: now)
                    return (lane, lanes.settings(subscription), destination)
                }
            }
        }
    }

    /// All in one turn of each loop. Throws only before anything is done.
    private func apply(_ plan: Plan) throws(StageFailure) {
        let (writer, now) = (dependencies.writer, dependencies.clock())
        do {
            let loops = try loops
            for (subscription, _) in plan.added { loops.assign(subscription.name) }
            let prepared = try loops.all { hub in
                NIOLoopBound(try Prepared(plan, loops, hub, at: now), eventLoop: hub.loop)
            }
            _ = try loops.all { hub in
                for name in plan.removed {
                    guard let lane = hub.remove(name), let progress = lane.takeProgress() else { continue }
                    writer.save([progress]) {}
                }
                guard let mine = prepared.first(where: { $0.eventLoop === hub.loop })?.value else { return }
                for (lane, settings, destination) in mine.kept {
                    lane.reconfigure(settings, destination: destination)
                }
                for lane in mine.fresh { hub.add(lane) }
            }
            for name in plan.removed { loops.release(name) }
        } catch {
            throw StageFailure(.configuration, "destinations cannot be made: \(error)")
        }
        state.withLock { state in
            state.configured = plan.state.configured
            state.rules = plan.state.rules
            state.lanes = plan.state.lanes
        }
        for name in plan.removed { dependencies.registry.forget(label: ("subscription", name)) }
        // A lane that comes back with the next reload finds what this one saved.
        _ = dependencies.loops.settle(milliseconds: Self.patienceMilliseconds) { $0.settle(done: $1) }
    }
}
