import EventLog
import JSON
import Primitives
import Providers

/// What whoever operates this gateway should know, each with a type of the vocabulary's family `gateway`.
enum GatewayCondition: String, CaseIterable, Sendable {
    case subscriptionDisabled = "subscription_disabled"
    case subscriptionFailing = "subscription_failing"
    case quarantineFilling = "quarantine_filling"
    case backlogOld = "backlog_old"
    case diskLow = "disk_low"
    case clockJumped = "clock_jumped"
    case certificateEnding = "certificate_ending"

    /// How long it must have begun, or be over, before that is said.
    var patienceNanoseconds: Int64 {
        switch self {
        case .subscriptionDisabled, .clockJumped: 0
        case .subscriptionFailing: 60_000_000_000
        case .quarantineFilling, .backlogOld, .diskLow, .certificateEnding: 10_000_000_000
        }
    }

    /// Whether it happens and is over at once.
    var isMomentary: Bool { self == .clockJumped }

    var type: String { MappedType.prefix + CanonicalVocabulary.ofGateway + rawValue }
}

/// What was seen of a condition at one moment.
struct ConditionReading: Sendable {
    enum Level: Sendable {
        case raised, cleared
        /// Neither, so that what was said last goes on: a value that wavers says nothing.
        case between
    }

    var condition: GatewayCondition
    /// Such as `subscriptions/my-app`.
    var subject: String
    var level: Level
    var value: Double
    /// As a sentence.
    var text: String

    /// A value that is worse the greater it is.
    init(
        _ condition: GatewayCondition, _ subject: String, _ value: Double, raisedFrom: Double, clearedBelow: Double,
        _ text: String
    ) {
        (self.condition, self.subject, self.value, self.text) = (condition, subject, value, text)
        level = value >= raisedFrom ? .raised : value < clearedBelow ? .cleared : .between
    }
}

/// A condition of one thing that has begun or is over.
struct ConditionChange: Sendable, Equatable {
    var condition: GatewayCondition
    var subject: String
    var isRaised: Bool
    var value: Double
    var text: String

    var state: String { isRaised ? "raised" : "cleared" }

    /// `nanoseconds`: now, since 1970.
    func event(at nanoseconds: Int64) -> OwnEvent {
        let payload = JSONText.object([
            "state": .string(state), "text": .string(text), "value": .number((value * 1000).rounded() / 1000),
        ])
        return OwnEvent(
            attributes: [
                ("id", "\(condition.rawValue)-\(state)-\(nanoseconds)-\(subject)"), ("source", "/tributary"),
                ("type", condition.type), ("subject", subject), ("time", RFC3339.text(nanoseconds)),
                ("timesource", "ingest"), ("provider", "tributary"), ("datacontenttype", "application/json"),
            ], payload: payload.bytes, atNanoseconds: nanoseconds)
    }
}

/// Which conditions have begun, and what is to be said: each change once, and never more than a few at a time. Pure.
struct ConditionTracker {
    struct Key: Hashable, Sendable {
        var condition: GatewayCondition
        var subject: String
    }

    private struct Entry {
        var isRaised: Bool
        /// Since when the readings say otherwise; monotonic nanoseconds.
        var differsSince: Int64?
        var seenAt: Int64
    }

    /// Events at once, and then per second. What does not fit is said later, if it still holds.
    static let burst = 100.0
    static let perSecond = 0.1
    /// What is not seen for so long is gone, as is a subscription that was deleted.
    static let forgottenAfterNanoseconds: Int64 = 600_000_000_000

    private var entries: [Key: Entry]
    private var bucket: TokenBucket

    /// `raised`: what was said last before this process began. `now`: monotonic nanoseconds.
    init(raised: Set<Key> = [], now: Int64) {
        entries = Dictionary(uniqueKeysWithValues: raised.map { ($0, Entry(isRaised: true, seenAt: now)) })
        bucket = TokenBucket(perSecond: Self.perSecond, most: Self.burst, now: now)
    }

    mutating func take(_ readings: [ConditionReading], now: Int64) -> [ConditionChange] {
        var changes: [ConditionChange] = []
        for reading in readings {
            let key = Key(condition: reading.condition, subject: reading.subject)
            var entry = entries[key] ?? Entry(isRaised: false, seenAt: now)
            entry.seenAt = now
            let isAsSaid = reading.level == .between || (reading.level == .raised) == entry.isRaised
            entry.differsSince = isAsSaid ? nil : entry.differsSince ?? now
            if let since = entry.differsSince, now - since >= reading.condition.patienceNanoseconds,
                bucket.count(now: now) > 0
            {
                bucket.take(now: now)
                entry.isRaised.toggle()
                entry.differsSince = nil
                changes.append(
                    ConditionChange(
                        condition: reading.condition, subject: reading.subject, isRaised: entry.isRaised,
                        value: reading.value, text: reading.text))
                if reading.condition.isMomentary { entry.isRaised = false }
            }
            entries[key] = entry.isRaised || entry.differsSince != nil ? entry : nil
        }
        entries = entries.filter { now - $0.value.seenAt < Self.forgottenAfterNanoseconds }
        return changes
    }
}
