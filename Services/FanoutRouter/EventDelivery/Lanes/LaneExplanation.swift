package import EventLog
import Events
import Primitives

/// What a lane knows of one event: whether it takes it, what it does with it, and what that waits for.
package struct LaneExplanation: Sendable, Equatable {
    /// A part of a filter.
    package enum Part: String, Sendable, CaseIterable {
        case types, sources, providers, subjects, keys, data
    }

    /// The first part of the filter that does not match.
    package struct Mismatch: Sendable, Equatable {
        package var part: Part
        /// The filter's patterns, or what a condition asks for.
        package var expected: String
        /// What the event has there.
        package var found: String
    }

    package enum State: String, Sendable, CaseIterable {
        /// The filter does not take it.
        case unmatched
        /// Or dead, or expired: the dead letters know.
        case delivered
        /// Taken, and attempted as soon as there is room.
        case queued
        case inFlight = "in_flight"
        /// Behind another event of its key.
        case held
        case retrying
        /// The lane has not come to it.
        case waiting
        case paused
        case disabled
    }

    package var subscription: String
    package var mismatch: Mismatch?
    package var state: State
    /// In words, what has to happen before the next attempt; nil where nothing or no attempt is awaited.
    package var waitingFor: String?
    /// When a retry is due: nanoseconds since 1970.
    package var nextAttemptNanoseconds: Int64?
    /// The breaker's state as a word.
    package var breaker: String
    /// Events or deliveries that come first, where they are counted.
    package var ahead: Int?
    /// Attempts that are not on disk, in no order.
    package var unsaved: [AttemptRecord] = []

    package var matches: Bool { mismatch == nil }
}

/// Puts in words what a lane knows of an event.
struct LaneExplainer {
    let settings: LaneSettings
    let cursor: LaneCursor
    let gate: LaneGate
    let clock: LaneClock
    let filter: LaneFilter

    /// The event lies in `batch`; `unsaved`: its attempts that are not on disk.
    func explain(_ position: UInt64, in batch: EventBatch, unsaved: [AttemptRecord]) -> LaneExplanation {
        var explanation = LaneExplanation(
            subscription: settings.name, state: .delivered, breaker: gate.breaker.state.word, unsaved: unsaved)
        let entry = cursor.delivery(holding: position)
        // What was taken under a former filter is delivered all the same.
        if entry == nil, explanation.unsaved.isEmpty,
            let mismatch = batch.withRecord(at: position, filter.mismatch) ?? nil
        {
            explanation.mismatch = mismatch
            explanation.state = .unmatched
            return explanation
        }
        if let entry {
            describe(entry, at: position, &explanation)
        } else if position > cursor.taken {
            describeUntaken(position, &explanation)
        }
        return explanation
    }

    private func describe(
        _ entry: UnfinishedDelivery, at position: UInt64, _ explanation: inout LaneExplanation
    ) {
        let end = entry.end(deadlineNanoseconds: settings.policy.deadlineNanoseconds)
        if case .waiting(until: let due) = entry.state, due < end {
            explanation.nextAttemptNanoseconds = clock.wall(at: due)
        }
        if entry.state == .inFlight {
            explanation.state = .inFlight
            explanation.waitingFor = "the subscriber's answer"
            return
        }
        if describeHalt(&explanation) { return }
        switch entry.state {
        case .inFlight: break
        case .waiting(until: let due):
            explanation.state = entry.attempts > 0 ? .retrying : .queued
            explanation.waitingFor =
                if due >= end {
                    "its deadline at \(timeText(end)); no attempt fits before it"
                } else {
                    "its \(entry.attempts > 0 ? "retry" : "first attempt") at \(timeText(due))"
                }
        case .held:
            explanation.state = .held
            explanation.ahead = cursor.keys.ahead(of: position)
            explanation.waitingFor =
                cursor.keys.blocker(of: position).map { "an earlier event of its key, at position \($0)" }
                ?? "the half of its batch that comes first"
        case .ready:
            explanation.state = .queued
            describeQueued(position, isRetry: entry.attempts > 0, &explanation)
        }
    }

    private func describeQueued(_ position: UInt64, isRetry: Bool, _ explanation: inout LaneExplanation) {
        if cursor.gathering.events.contains(position), let since = cursor.gathering.since {
            let due = since + settings.gatheringNanoseconds
            if due > clock.now {
                explanation.nextAttemptNanoseconds = clock.wall(at: due)
                explanation.waitingFor = "the next batch at \(timeText(due))"
                return
            }
        }
        explanation.ahead = cursor.readyAhead(of: position)
        explanation.waitingFor = obstacle(isRetry: isRetry)
        if explanation.waitingFor == nil, let ahead = explanation.ahead, ahead > 0 {
            explanation.waitingFor = "\(ahead) deliveries before it"
        }
    }

    private func describeUntaken(_ position: UInt64, _ explanation: inout LaneExplanation) {
        let ahead = Int(position - cursor.taken - 1)
        explanation.ahead = ahead
        if describeHalt(&explanation) { return }
        explanation.state = .waiting
        explanation.waitingFor = obstacle(isRetry: false)
        if explanation.waitingFor == nil, !cursor.hasRoom {
            explanation.waitingFor = "the end of one of \(cursor.eventCount) deliveries that are unfinished"
        }
        if explanation.waitingFor == nil, ahead > 0 { explanation.waitingFor = "\(ahead) events before it" }
    }

    /// Whether the lane starts nothing at all.
    private func describeHalt(_ explanation: inout LaneExplanation) -> Bool {
        if let reason = cursor.disabledReason {
            explanation.state = .disabled
            explanation.waitingFor = "an operator to resume the disabled subscription: \(reason)"
        } else if cursor.isPaused {
            explanation.state = .paused
            explanation.waitingFor = "paused by an operator"
        } else {
            return false
        }
        return true
    }

    /// What the gate keeps back, in words.
    private func obstacle(isRetry: Bool) -> String? {
        switch gate.obstacle(now: clock.now, inFlight: cursor.inFlight, isRetry: isRetry) {
        case .breaker(let until): "the breaker is open until \(timeText(until))"
        case .probe: "the breaker's probe"
        case .concurrency(let inFlight, let limit): "\(inFlight) requests in flight of \(limit) allowed"
        case .rate: "the rate limit"
        case .retryBudget: "the retry budget"
        case nil: nil
        }
    }

    /// A time of the lane's clock as people read it.
    private func timeText(_ time: Int64) -> String { RFC3339.text(clock.wall(at: time)) }
}
