import EventDelivery
import EventLog
import JSON
import PipelineConfiguration

/// How an event stands with subscriptions, as the API shows it.
enum WhyView {
    private typealias Member = ShownObject<EventStanding>.Member

    /// One line of an event's deliveries.
    static let delivery = ShownObject<EventStanding>([subscription, state, attempts])

    /// Everything that is known.
    static let standing = ShownObject<EventStanding>([
        subscription, .init("matches", .boolean) { .bool($0.lane.matches) },
        .init("mismatch", .ref("FilterMismatch").orNull) { .optional($0.lane.mismatch, mismatch.json) }, state,
        .init("waiting_for", .string("What has to happen before the next attempt, in words.").orNull) {
            .optional($0.waitingFor) { .string($0) }
        },
        .init("next_attempt", .time("When the next attempt is due.").orNull) {
            .optional($0.lane.nextAttemptNanoseconds) { .time($0) }
        },
        .init("breaker", .string("What the circuit breaker lets through.", oneOf: CircuitBreaker.State.words)) {
            .string($0.lane.breaker)
        },
        .init("ahead", .integer("Events or deliveries that come first, where they are counted.").orNull) {
            .optional($0.lane.ahead) { .number($0) }
        },
        .init("reason", .string("Why it was given up.").orNull) { .optional($0.letter) { .string($0.reason) } },
        attempts,
    ])

    private static let mismatch = ShownObject<LaneExplanation.Mismatch>([
        .init(
            "part",
            .string(
                "The first part of the filter that does not match.",
                oneOf: LaneExplanation.Part.allCases.map(\.rawValue))
        ) { .string($0.part.rawValue) },
        .init("expected", .string("What the filter asks for.")) { .string($0.expected) },
        .init("found", .string("What the event has.")) { .string($0.found) },
    ])

    private static let subscription = Member("subscription") { .string($0.lane.subscription) }
    private static let state = Member(
        "state",
        .string(
            "Where it stands. `delivered` is also said of what came before the subscription began; of these there are "
                + "no attempts.", oneOf: EventStanding.states)
    ) { .string($0.state) }
    private static let attempts = Member(
        "attempts", .array(of: .ref("Attempt"), "Those still known, oldest first.")
    ) { standing in
        .array(standing.attempts.map { AttemptView.shown.json((standing.lane.subscription, $0)) })
    }

    static let schemas: [(String, APISchema)] = [
        (
            "EventExplanation",
            .whole([
                ("position", .position), ("id", .string()),
                ("journey", .array(of: .ref("JourneyStep"), "When each stage had it.")),
                ("subscriptions", .array(of: .ref("EventStanding"), "Every subscription.")),
            ])
        ),
        ("FilterMismatch", mismatch.schema), ("EventStanding", standing.schema),
    ]
}
