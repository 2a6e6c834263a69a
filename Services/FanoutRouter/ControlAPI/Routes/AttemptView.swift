import EventDelivery
import EventLog
import JSON
import PipelineConfiguration

/// Attempts as the API shows them.
enum AttemptView {
    /// A test request is about no event: its position is 0 and shown as null.
    static let shown = ShownObject<(subscription: String, attempt: AttemptRecord)>(
        "One request to a subscriber; `position` is null for a test request.",
        [
            .init("subscription") { .string($0.subscription) },
            .init("position", .position.orNull) { $0.attempt.position == 0 ? .null : .number($0.attempt.position) },
            .init("number", .integer("1 for the first attempt of a delivery.")) { .number($0.attempt.number) },
            .init("started", .time()) { .time($0.attempt.startedNanoseconds) },
            .init("duration_seconds", .number()) { .number(Double($0.attempt.durationNanoseconds) / 1e9) },
            .init("phase", phase) { .string(AttemptPhase(outcome: $0.attempt.outcome).rawValue) },
            .init("outcome", outcome) { .string($0.attempt.outcome) },
            .init("status", .integer("The HTTP status, where one came.").orNull) {
                .optional($0.attempt.status) { .number($0) }
            },
            .init("detail", .string("What the outcome leaves unsaid.")) { .string($0.attempt.detail) },
            .init("answer", .string("The first KiB of the answer's body.").orNull) {
                $0.attempt.answer.isEmpty ? .null : .string(String(decoding: $0.attempt.answer, as: UTF8.self))
            },
            .init("replay", .integer("The replay that it belongs to.").orNull) {
                .optional($0.attempt.replay) { .number($0) }
            },
        ])

    static let outcome = APISchema.string(
        "What came of it, as a stable word.", oneOf: DestinationRegistry.outcomes.map(\.word))
    static let phase = APISchema.string("How far it came.", oneOf: AttemptPhase.allCases.map(\.rawValue))

    static let schemas: [(String, APISchema)] = [
        ("Attempt", shown.schema), ("AttemptPage", .page("attempts", of: .ref("Attempt"))),
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
