import Dispatch
import EventLog
import Executable
package import JSON
import Logging
import NIOCore
import PipelineConfiguration
import StageMetrics
import Synchronization

/// A subscription as it is after a change, and the secret that the router made for it; shown only this once.
package struct ChangedSubscription: Sendable {
    package let subscription: KnownSubscription
    package var madeSecret: [UInt8]?
}

extension SubscriptionStore {
    /// Makes a subscription out of the body of a request; it delivers when this returns.
    package func create(_ body: JSONValue) throws -> ChangedSubscription {
        try queue.sync {
            let whole = JSONValue.object([]).merging(body)
            let (rules, lanes) = state.withLock { ($0.rules, $0.lanes) }
            let draft = try SubscriptionDraft(whole, rules)
            let name = draft.configuration.name
            try claim(name)
            let now = dependencies.clock()
            let made = try Self.secretsForNew(draft)
            let stored = StoredSubscription(
                name: name, document: draft.document.json.text,
                secrets: SigningSecrets.stored(draft.secrets ?? made.map { [$0] } ?? [], createdAt: now), revision: 1,
                createdAtNanoseconds: now, updatedAtNanoseconds: now)
            let subscription = KnownSubscription(stored, draft.configuration)
            try Self.checked(subscription, lanes, at: now)
            let start = try SubscriptionStart(whole["start"], dependencies.reading)
            try dependencies.writer.perform { try $0.store(stored, lane: start.position(in: $0)) }
            state.withLock { $0.stored[name] = subscription }
            try addLane(subscription)
            dependencies.logger.notice("subscription \(name): created through the API")
            return ChangedSubscription(subscription: subscription, madeSecret: made)
        }
    }

    /// Changes a subscription by a merge patch (RFC 7396) of its document.
    package func update(_ name: String, _ patch: JSONValue) throws -> ChangedSubscription {
        try queue.sync {
            let (former, stored) = try changeable(name)
            guard patch["name"] == .null || patch["name"].text == name else {
                throw RouterError.invalid(
                    "/name", "a subscription keeps its name; create another and delete this")
            }
            guard !patch.has("start") else {
                throw RouterError.invalid("/start", "it counts at creation; replay what was missed")
            }
            let base = JSONValue.read(Array(stored.document.utf8)) ?? .object([])
            let (rules, lanes) = state.withLock { ($0.rules, $0.lanes) }
            let draft = try SubscriptionDraft(base.merging(patch.without("name")), rules)
            let now = dependencies.clock()
            let (secrets, made) = try Self.secrets(for: draft, of: former, at: now)
            var revised = stored
            revised.document = draft.document.json.text
            revised.secrets = secrets
            guard revised != stored else { return ChangedSubscription(subscription: former) }
            revised.revision += 1
            revised.updatedAtNanoseconds = now
            let subscription = KnownSubscription(revised, draft.configuration)
            try Self.checked(subscription, lanes, at: now)
            try keep(subscription)
            logChanges(from: former, to: subscription)
            return ChangedSubscription(subscription: subscription, madeSecret: made)
        }
    }

    /// Stops deliveries; the subscription keeps its place, over restarts too.
    package func pause(_ name: String) throws -> KnownSubscription {
        try queue.sync {
            let subscription = try subscription(name)
            try settle(name) { $0.lane(name)?.pause() }
            dependencies.logger.notice("subscription \(name): paused")
            return subscription
        }
    }

    /// Goes on where a paused or disabled subscription stopped.
    package func resume(_ name: String) throws -> KnownSubscription {
        try queue.sync {
            let subscription = try subscription(name)
            try settle(name) { $0.lane(name)?.resume() }
            dependencies.logger.notice("subscription \(name): resumed")
            return subscription
        }
    }

    /// Ends a subscription and drops all that is kept for it, first what makes it one and then the rest in steps; until
    /// they are done the name is not free.
    package func delete(_ name: String) throws {
        try queue.sync {
            if state.withLock({ $0.unreadable[name] == nil || $0.configured[name] != nil }) { _ = try changeable(name) }
            let isGone = try dependencies.writer.perform { try $0.dropSubscription(name, rows: Self.droppedRows) }
            removeLane(name)
            state.withLock { state in
                state.stored[name] = nil
                state.unreadable[name] = nil
                if !isGone { state.leaving.insert(name) }
            }
            dependencies.registry.forget(label: ("subscription", name))
            dependencies.logger.notice("subscription \(name): deleted through the API")
            if !isGone { queue.async { self.dropRest(of: name) } }
        }
    }

    private func dropRest(of name: String) {
        do {
            if try dependencies.writer.perform({ try $0.dropSubscription(name, rows: Self.droppedRows) }) {
                state.withLock { _ = $0.leaving.remove(name) }
            } else {
                queue.async { self.dropRest(of: name) }
            }
        } catch {
            dependencies.logger.error(
                "what is left of a deleted subscription cannot be dropped now; it tries again",
                metadata: ["subscription": "\(name)", "cause": "\(error)"])
            queue.asyncAfter(deadline: .now() + .seconds(30)) { self.dropRest(of: name) }
        }
    }

    private func logChanges(from former: KnownSubscription, to subscription: KnownSubscription) {
        var lines = ConfigurationChange.between(former.configuration, subscription.configuration).map(\.sentence)
        if former.secrets != subscription.secrets { lines.append("subscription \(subscription.name): secrets changed") }
        for line in lines { dependencies.logger.notice("\(line)") }
    }

    /// Stores a changed subscription and gives it to its lane.
    func keep(_ subscription: KnownSubscription) throws {
        guard let stored = subscription.stored else { return }
        try dependencies.writer.perform { try $0.store(stored, lane: nil) }
        state.withLock { $0.stored[subscription.name] = subscription }
        try reconfigureLane(subscription)
    }

    private func claim(_ name: String) throws(RouterError) {
        let problem = state.withLock { state -> RouterError? in
            if state[name] != nil || state.unreadable[name] != nil {
                return RouterError(.conflict, "a subscription named \(name) exists; choose another name or change it")
            }
            if state.leaving.contains(name) {
                return RouterError(
                    .conflict, "the deleted subscription \(name) still has rows in the event log; try again in a moment"
                )
            }
            guard state.count < Self.most else {
                return RouterError(.limitReached, "there are \(Self.most) subscriptions; delete one")
            }
            return nil
        }
        if let problem { throw problem }
    }

    private static func checked(
        _ subscription: KnownSubscription, _ lanes: LaneMaker, at nanoseconds: Int64
    ) throws(RouterError) {
        do {
            try lanes.check(subscription, at: nanoseconds)
        } catch {
            throw RouterError.invalid("", error.sentence)
        }
    }
}
