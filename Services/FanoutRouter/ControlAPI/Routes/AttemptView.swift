import EventDelivery
import EventLog
import JSON
import PipelineConfiguration

/// Attempts as the API shows them.
enum AttemptView {
    /// A test request is about no event: its position is 0 and shown as null.
    static func json(_ subscription: String, _ attempt: AttemptRecord) -> JSONText {
        .object([
            ("subscription", .string(subscription)),
            ("position", attempt.position == 0 ? .null : .number(attempt.position)),
            ("number", .number(attempt.number)), ("started", .time(attempt.startedNanoseconds)),
            ("duration_seconds", .number(Double(attempt.durationNanoseconds) / 1e9)),
            ("phase", .string(AttemptPhase(outcome: attempt.outcome).rawValue)), ("outcome", .string(attempt.outcome)),
            ("status", .optional(attempt.status) { .number($0) }), ("detail", .string(attempt.detail)),
            ("answer", attempt.answer.isEmpty ? .null : .string(String(decoding: attempt.answer, as: UTF8.self))),
            ("replay", .optional(attempt.replay) { .number($0) }),
        ])
    }

    static let outcome = APISchema.string(
        "What came of it, as a stable word.", oneOf: DestinationRegistry.outcomes.map(\.word))
    static let phase = APISchema.string("How far it came.", oneOf: AttemptPhase.allCases.map(\.rawValue))

    static let schemas: [(String, APISchema)] = [
        (
            "Attempt",
            .object(
                [
                    ("subscription", .string()), ("position", APISchema.position.orNull),
                    ("number", .integer("1 for the first attempt of a delivery.")), ("started", .time()),
                    ("duration_seconds", .number()), ("phase", phase), ("outcome", outcome),
                    ("status", APISchema.integer("The HTTP status, where one came.").orNull),
                    ("detail", .string("What the outcome leaves unsaid.")),
                    ("answer", APISchema.string("The first KiB of the answer's body.").orNull),
                    ("replay", APISchema.integer("The replay that it belongs to.").orNull),
                ],
                required: [
                    "subscription", "position", "number", "started", "duration_seconds", "phase", "outcome", "status",
                    "detail", "answer", "replay",
                ], "One request to a subscriber; `position` is null for a test request.")
        ),
        ("AttemptPage", .page("attempts", of: .ref("Attempt"))),
    ]
}

extension AttemptPhase {
    /// Of a stored attempt, by the word of its outcome.
    init(outcome word: String) {
        self = DestinationRegistry.outcomes.first { $0.word == word }?.phase ?? .answered
    }

    /// The words of the outcomes that belong to it.
    var outcomes: [String] { DestinationRegistry.outcomes.filter { $0.phase == self }.map(\.word) }
}
