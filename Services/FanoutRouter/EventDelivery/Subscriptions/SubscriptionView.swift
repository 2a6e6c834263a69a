import EventLog
import PipelineConfiguration

/// What a lane is doing at this moment.
package struct LaneState: Sendable {
    package var cursor: UInt64 = 0
    package var backlog = 0
    package var inFlight = 0
    package var retrying = 0
    var isPaused = false
    package var disabledReason: String?
    package var breaker = "closed"
    package var concurrency = 1

    package init(_ lane: Lane) {
        cursor = lane.cursor.taken
        backlog = lane.backlog
        inFlight = lane.cursor.inFlight
        retrying = lane.cursor.deliveries.waitingCount
        isPaused = lane.cursor.isPaused
        disabledReason = lane.cursor.disabledReason
        breaker = lane.gate.breaker.state.word
        concurrency = lane.gate.concurrency.limit
    }

    package static let words = ["active", "paused", "disabled"]

    /// One of `words`.
    package var word: String { disabledReason != nil ? "disabled" : isPaused ? "paused" : "active" }
}

/// A subscription with what its lane does.
package struct SubscriptionView: Sendable {
    package let subscription: KnownSubscription
    package let lane: LaneState
    package let dead: Int
}

extension SubscriptionStore {
    /// These subscriptions with what their lanes do and how many of their deliveries are dead.
    package func views(_ subscriptions: [KnownSubscription]) throws -> [SubscriptionView] {
        let names = Set(subscriptions.map(\.name))
        let lanes = try loops.all { hub in
            hub.lanes.filter { names.contains($0.settings.name) }.map { ($0.settings.name, LaneState($0)) }
        }
        let states = Dictionary(uniqueKeysWithValues: lanes.joined())
        let dead = try dependencies.reading.read { try $0.deadLetterCounts() }
        return subscriptions.compactMap { subscription in
            // One that was deleted since has no lane.
            states[subscription.name].map {
                SubscriptionView(subscription: subscription, lane: $0, dead: dead[subscription.name] ?? 0)
            }
        }
    }

    package func view(_ subscription: KnownSubscription) throws -> SubscriptionView {
        guard let view = try views([subscription]).first else {
            throw RouterError(.notFound, "no subscription is named \(subscription.name)")
        }
        return view
    }
}
