import EventDelivery
import EventLog
import JSON
import PipelineConfiguration

extension RouterAPI {
    var deadLetterOperations: [APIOperation] { [listDeadLetters, totalDeadLetters] }

    private static let deadLetterFilters: [APIParameter] = [
        .query("subscription", .string(), "Only those of that subscription."),
        .query("cause", .string(), "Only what was given up for that cause, such as `status 503` or `timeout`."),
        .query(
            "fault", faultSchema,
            "`ours`: what retention, egress rules or the egress proxy kept back; `theirs`: what the subscriber did."),
        .query("since", .time(), "Only what was given up then or later."),
        .query("until", .time(), "Only what was given up before."),
    ]

    private static let faultSchema = APISchema.string(
        "Whose doing it is.", oneOf: DeliveryFault.allCases.map(\.rawValue))

    private var listDeadLetters: APIOperation {
        APIOperation(
            "listDeadLetters", .get, "/v1/dead-letters", scope: .read,
            summary: "Lists deliveries that were given up, by subscription and position.",
            description: "One that retention overtook may be a range: `position` to `last`. A page may hold fewer than "
                + "`limit`, even none, and still say where to go on.",
            parameters: Self.deadLetterFilters + APIParameter.page,
            success: APIResult(200, "A page of dead letters.", .ref("DeadLetterPage"))
        ) { request in
            var query = DeadLetterQuery()
            query.filter = try DeadLetterFilter(request)
            query.after = try DeadLetterQuery.Place(request)
            query.limit = request.limit
            let asked = query
            let page = try stage.reading.read { try $0.deadLetters(asked) }
            let next = page.next.map { [JSONText.string($0.subscription), .number($0.position)] }
            return .page(
                "dead_letters", page.letters.map(Self.deadLetter.json), of: DeadLetterQuery.Place.list, next: next)
        }
    }

    private var totalDeadLetters: APIOperation {
        APIOperation(
            "totalDeadLetters", .get, "/v1/dead-letters/totals", scope: .read,
            summary: "Counts the events that were given up by subscription and cause.",
            parameters: Self.deadLetterFilters,
            success: APIResult(200, "The totals.", .ref("DeadLetterTotals"))
        ) { request in
            let filter = try DeadLetterFilter(request)
            let totals = try stage.reading.read { try $0.deadLetterTotals(filter) }
            return APIReply(200, .object(["totals": .array(totals.map(Self.total.json))]))
        }
    }

    private static let deadLetter = ShownObject<(subscription: String, letter: DeadLetter)>([
        .init("subscription") { .string($0.subscription) },
        .init("position", .position) { .number($0.letter.first) },
        .init("last", .integer("The last event of a range; otherwise the position.")) { .number($0.letter.last) },
        .init("cause", .string("The stable word of the reason, such as `status 503` or `timeout`.")) {
            .string($0.letter.cause)
        },
        .init("fault", faultSchema) { .string($0.letter.fault.rawValue) },
        .init("reason", .string("What the last attempt met.")) { .string($0.letter.reason) },
        .init("attempts", .integer()) { .number($0.letter.attempts) },
        .init("died", .time("When it was given up.")) { .time($0.letter.diedAtNanoseconds) },
    ])

    private static let total = ShownObject<DeadLetterTotal>([
        .init("subscription") { .string($0.subscription) },
        .init("cause") { .string($0.cause) },
        .init("fault", faultSchema) { .string($0.fault.rawValue) },
        .init("count", .integer("Events, not ranges.")) { .number($0.count) },
        .init("oldest", .time("When the first was given up.")) { .time($0.oldestNanoseconds) },
        .init("newest", .time("When the last was given up.")) { .time($0.newestNanoseconds) },
    ])

    static let deadLetterSchemas: [(String, APISchema)] = [
        ("DeadLetter", deadLetter.schema), ("DeadLetterPage", .page("dead_letters", of: .ref("DeadLetter"))),
        ("DeadLetterTotal", total.schema),
        ("DeadLetterTotals", .whole(["totals": .array(of: .ref("DeadLetterTotal"))])),
    ]
}

extension DeadLetterFilter {
    fileprivate init(_ request: APIRequest) throws(APIProblem) {
        self.init()
        subscription = request["subscription"]
        causes = request["cause"].map { [$0] } ?? []
        fault = request["fault"].flatMap { DeliveryFault(rawValue: $0) }
        since = try request.instant("since")
        until = try request.instant("until")
    }
}

extension DeadLetterQuery.Place {
    fileprivate static let list = "dead-letters"

    /// Where the page before ended.
    fileprivate init?(_ request: APIRequest) throws(APIProblem) {
        guard let elements = try request.cursor(Self.list, elements: 2) else { return nil }
        guard let position = elements[1].integer.flatMap({ UInt64(exactly: $0) }) else {
            throw APIProblem(.badRequest, "cursor must be the next_cursor of the page before, unchanged")
        }
        self.init(subscription: elements[0].text, position: position)
    }
}
