import EventDelivery
import EventLog
import JSON
import PipelineConfiguration

/// How an event stands with subscriptions, as the API shows it.
enum WhyView {
    /// One line of an event's deliveries.
    static func delivery(_ standing: EventStanding) -> JSONText {
        .object([
            ("subscription", .string(standing.lane.subscription)), ("state", .string(standing.state)),
            ("attempts", attempts(standing)),
        ])
    }

    /// Everything that is known.
    static func standing(_ standing: EventStanding) -> JSONText {
        let lane = standing.lane
        return .object([
            ("subscription", .string(lane.subscription)), ("matches", .bool(lane.matches)),
            (
                "mismatch",
                .optional(lane.mismatch) { mismatch in
                    .object([
                        ("part", .string(mismatch.part.rawValue)), ("expected", .string(mismatch.expected)),
                        ("found", .string(mismatch.found)),
                    ])
                }
            ),
            ("state", .string(standing.state)), ("waiting_for", .optional(standing.waitingFor) { .string($0) }),
            ("next_attempt", .optional(lane.nextAttemptNanoseconds) { .time($0) }),
            ("breaker", .string(lane.breaker)), ("ahead", .optional(lane.ahead) { .number($0) }),
            ("reason", .optional(standing.letter) { .string($0.reason) }), ("attempts", attempts(standing)),
        ])
    }

    private static func attempts(_ standing: EventStanding) -> JSONText {
        .array(standing.attempts.map { AttemptView.json(standing.lane.subscription, $0) })
    }

    static let state = APISchema.string(
        "Where it stands. `delivered` is also said of what came before the subscription began; of these there are no "
            + "attempts.", oneOf: EventStanding.states)

    static let schemas: [(String, APISchema)] = [
        (
            "EventExplanation",
            .object(
                [
                    ("position", APISchema.position), ("id", .string()),
                    ("subscriptions", .array(of: .ref("EventStanding"), "Every subscription.")),
                ], required: ["position", "id", "subscriptions"])
        ),
        (
            "FilterMismatch",
            .object(
                [
                    (
                        "part",
                        .string(
                            "The first part of the filter that does not match.",
                            oneOf: LaneExplanation.Part.allCases.map(\.rawValue))
                    ), ("expected", .string("What the filter asks for.")), ("found", .string("What the event has.")),
                ], required: ["part", "expected", "found"])
        ),
        (
            "EventStanding",
            .object(
                [
                    ("subscription", .string()), ("matches", .boolean),
                    ("mismatch", APISchema.ref("FilterMismatch").orNull),
                    ("state", state),
                    ("waiting_for", APISchema.string("What has to happen before the next attempt, in words.").orNull),
                    ("next_attempt", APISchema.time("When the next attempt is due.").orNull),
                    (
                        "breaker",
                        .string("What the circuit breaker lets through.", oneOf: CircuitBreaker.State.words)
                    ),
                    (
                        "ahead",
                        APISchema.integer("Events or deliveries that come first, where they are counted.").orNull
                    ),
                    ("reason", APISchema.string("Why it was given up.").orNull),
                    ("attempts", .array(of: .ref("Attempt"), "Those still known, oldest first.")),
                ],
                required: [
                    "subscription", "matches", "mismatch", "state", "waiting_for", "next_attempt", "breaker", "ahead",
                    "reason", "attempts",
                ])
        ),
    ]
}
