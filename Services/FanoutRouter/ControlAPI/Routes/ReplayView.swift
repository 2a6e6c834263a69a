import EventDelivery
import EventLog
import JSON
import PipelineConfiguration

/// Replays as the API shows and takes them.
enum ReplayView {
    static func json(_ job: ReplayJob) -> JSONText {
        let selection = JSONText(raw: Array(job.selection.utf8))
        let origin = JSONValue.read(selection.bytes)?["from"].json ?? .null
        return .object([
            ("id", .number(job.id)), ("subscription", .string(job.subscription)), ("from", origin),
            ("state", .string(job.state.rawValue)), ("selection", selection),
            ("rate", .optional(job.perSecond) { .number($0) }), ("queued", .number(job.queued)),
            ("skipped", .number(job.skipped)), ("waiting", .number(job.waiting)), ("position", .number(job.position)),
            ("last", .number(job.last)), ("created", .time(job.createdAtNanoseconds)),
            ("finished", .optional(job.finishedAtNanoseconds) { .time($0) }),
        ])
    }

    /// What neither the schema nor the selection itself refuses.
    static func check(_ selection: ReplaySelection, isAll: Bool) throws(APIProblem) {
        if let first = selection.first, let last = selection.last, last < first {
            throw invalid("/last", "must not lie before first")
        }
        if let since = selection.since, let until = selection.until, until <= since {
            throw invalid("/until", "must lie after since")
        }
        let everything = ReplaySelection(from: selection.from)
        if isAll, selection != everything { throw invalid("/all", "means everything; leave it out beside a selection") }
        if selection.from == .log, !isAll, selection == everything {
            throw invalid("", "name what to send by positions, ids, a range, a time or a filter, or say \"all\": true")
        }
    }

    private static func invalid(_ pointer: String, _ detail: String) -> APIProblem {
        APIProblem(
            .invalid, pointer.isEmpty ? detail : "\(pointer) \(detail)",
            errors: [APIProblem.Detail(pointer: pointer, detail: detail)])
    }
}

extension ReplayView {
    private static let origin = APISchema.string(
        "What to choose from.", oneOf: ReplaySelection.Origin.allCases.map(\.rawValue))

    /// What selects, in requests and answers alike.
    private static let selection: [(String, APISchema)] = [
        ("positions", list(of: APISchema.position, "These positions.", most: ReplaySelection.mostNames)),
        ("ids", texts("Events with these ids.", most: ReplaySelection.mostNames)),
        ("first", APISchema.position), ("last", APISchema.position),
        ("since", .time("Received then or later; of dead letters, given up.")),
        ("until", .time("Received before; of dead letters, given up.")),
        ("types", texts("Types; `*` stands for anything, and `dev.tributary.` may be left out.")),
        ("sources", texts("Names of sources, as in the configuration.")),
        ("subjects", texts("Subjects; `*` stands for anything.")),
        ("keys", texts("Partition keys; `*` stands for anything.")),
        ("causes", texts("Of dead letters: why they were given up, such as `status 503`.")),
    ]

    static let schemas: [(String, APISchema)] = [
        (
            "ReplayRequest",
            .object(
                [("subscription", .string("Where to send.")), ("from", origin)] + selection + [
                    ("all", described(.boolean, "Everything that is kept; needed `from` the log without a selection.")),
                    ("rate", rate), ("dry_run", described(.boolean, "Only count.")),
                ], required: ["subscription", "from"])
        ),
        ("ReplaySelection", .object([("from", origin)] + selection, required: ["from"])),
        (
            "ReplayCount",
            .object(
                [("count", .integer("Deliveries that would be made.")), ("dry_run", .boolean)],
                required: ["count", "dry_run"])
        ),
        (
            "Replay",
            .object(
                [
                    ("id", .integer(in: 1...APISchema.mostPosition)), ("subscription", .string()), ("from", origin),
                    ("state", .string(oneOf: ReplayJob.State.allCases.map(\.rawValue))),
                    ("selection", .ref("ReplaySelection")), ("rate", rate.orNull),
                    ("queued", .integer("Deliveries queued so far.")),
                    ("skipped", .integer("What was meant, but was retrying or queued already.")),
                    ("waiting", .integer("Of those queued, how many have not ended.")),
                    ("position", .integer("Everything up to here was looked at.", in: 0...APISchema.mostPosition)),
                    ("last", .integer("The last position that is meant.", in: 0...APISchema.mostPosition)),
                    ("created", .time()), ("finished", APISchema.time("When all was queued, or cancelled.").orNull),
                ],
                required: [
                    "id", "subscription", "from", "state", "selection", "rate", "queued", "skipped", "waiting",
                    "position", "last", "created", "finished",
                ])
        ),
        ("ReplayPage", .page("replays", of: .ref("Replay"))),
    ]

    private static let rate = APISchema(
        raw: .object([
            ("type", .string("number")), ("minimum", .number(0.1)), ("maximum", .number(10_000)),
            ("description", .string("Deliveries per second at most; left out: as many as the subscription takes.")),
        ]))

    private static func texts(_ description: String, most: Int = ReplaySelection.mostPatterns) -> APISchema {
        list(of: .string(length: 1...8192), description, most: most)
    }

    /// An empty list would read as none, and so as everything.
    private static func list(of element: APISchema, _ description: String, most: Int) -> APISchema {
        APISchema(
            raw: .object([
                ("type", .string("array")), ("items", element.json), ("minItems", .number(1)),
                ("maxItems", .number(most)), ("description", .string(description)),
            ]))
    }

    private static func described(_ schema: APISchema, _ description: String) -> APISchema {
        guard case .object(let members)? = JSONValue.read(schema.json.bytes) else { return schema }
        return APISchema(
            raw: .object(
                members.map { ($0.name, $0.value.json) } + [("description", .string(description))]))
    }
}
