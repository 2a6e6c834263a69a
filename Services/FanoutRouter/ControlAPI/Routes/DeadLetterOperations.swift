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
            return APIReply(
                200,
                .object([
                    ("dead_letters", .array(page.letters.map(Self.deadLetter))),
                    ("next_cursor", APICursor.json(DeadLetterQuery.Place.list, next)),
                ]))
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
            return APIReply(200, .object([("totals", .array(totals.map(Self.total)))]))
        }
    }

    private static func deadLetter(_ subscription: String, _ letter: DeadLetter) -> JSONText {
        .object([
            ("subscription", .string(subscription)), ("position", .number(letter.first)),
            ("last", .number(letter.last)), ("cause", .string(letter.cause)),
            ("fault", .string(letter.fault.rawValue)), ("reason", .string(letter.reason)),
            ("attempts", .number(letter.attempts)), ("died", .time(letter.diedAtNanoseconds)),
        ])
    }

    private static func total(_ total: DeadLetterTotal) -> JSONText {
        .object([
            ("subscription", .string(total.subscription)), ("cause", .string(total.cause)),
            ("fault", .string(total.fault.rawValue)), ("count", .number(total.count)),
            ("oldest", .time(total.oldestNanoseconds)), ("newest", .time(total.newestNanoseconds)),
        ])
    }

    static let deadLetterSchemas: [(String, APISchema)] = [
        (
            "DeadLetter",
            .object(
                [
                    ("subscription", .string()), ("position", APISchema.position),
                    ("last", .integer("The last event of a range; otherwise the position.")),
                    ("cause", .string("The stable word of the reason, such as `status 503` or `timeout`.")),
                    ("fault", faultSchema), ("reason", .string("What the last attempt met.")),
                    ("attempts", .integer()), ("died", .time("When it was given up.")),
                ], required: ["subscription", "position", "last", "cause", "fault", "reason", "attempts", "died"])
        ),
        ("DeadLetterPage", .page("dead_letters", of: .ref("DeadLetter"))),
        (
            "DeadLetterTotal",
            .object(
                [
                    ("subscription", .string()), ("cause", .string()), ("fault", faultSchema),
                    ("count", .integer("Events, not ranges.")), ("oldest", .time("When the first was given up.")),
                    ("newest", .time("When the last was given up.")),
                ], required: ["subscription", "cause", "fault", "count", "oldest", "newest"])
        ),
        ("DeadLetterTotals", .object([("totals", .array(of: .ref("DeadLetterTotal")))], required: ["totals"])),
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
