import EventDelivery
import EventLog

/// How one event stands with one subscription: what its lane says, what the log knows, and every attempt.
struct EventStanding: Sendable {
    /// The states that the lane does not know: `dead`, and `expired` where retention came first.
    static let states = LaneExplanation.State.allCases.map(\.rawValue) + ["dead", "expired"]

    let lane: LaneExplanation
    let letter: DeadLetter?
    /// Where it waits to be sent again and the lane has not come to it.
    let replay: QueuedReplay?
    /// Oldest first.
    let attempts: [AttemptRecord]

    var state: String {
        guard isPast else { return lane.state.rawValue }
        if replay != nil { return LaneExplanation.State.queued.rawValue }
        return letter.map { $0.cause == "expired" ? "expired" : "dead" } ?? lane.state.rawValue
    }

    /// What has to happen before the next attempt; nil where none is awaited.
    var waitingFor: String? {
        guard isPast, let replay else { return lane.waitingFor }
        return "its turn in replay \(replay.job)"
    }

    /// Whether the lane is through with it.
    private var isPast: Bool { lane.state == .delivered || lane.state == .unmatched }

    /// Whether the subscription takes it, or took it under a former filter.
    var isTaken: Bool { lane.matches || letter != nil || replay != nil || !attempts.isEmpty }
}

/// How one event stands with every subscription.
struct EventStandings {
    /// In the order of the subscriptions' names.
    let all: [EventStanding]

    /// Blocks.
    init(of found: FoundEvent, in stage: RouterStage) throws {
        let explanations = try stage.loops.lanes { $0.explain(found.position, in: found.batch) }
        let remembered = explanations.flatMap { lane in
            lane.unsaved.map { (subscription: lane.subscription, attempt: $0) }
        }
        let attempts = try KnownAttempts(stage: stage).attempts(for: found.position, remembered: remembered)
        // In turns, so that a thousand subscriptions keep the reader from nobody for long.
        var letters: [String: DeadLetter] = [:]
        var replays: [String: QueuedReplay] = [:]
        for start in stride(from: 0, to: explanations.count, by: 50) {
            let names = explanations[start..<min(explanations.count, start + 50)].map(\.subscription)
            try stage.reading.read { reader in
                for name in names {
                    letters[name] = try reader.deadLetter(subscription: name, position: found.position)
                    replays[name] = try reader.queuedReplay(subscription: name, position: found.position)
                }
            }
        }
        all = explanations.map { lane in
            EventStanding(
                lane: lane, letter: letters[lane.subscription], replay: replays[lane.subscription],
                attempts: attempts[lane.subscription] ?? [])
        }
    }

    /// Those of the subscriptions that take it.
    var taken: [EventStanding] { all.filter(\.isTaken) }
}
