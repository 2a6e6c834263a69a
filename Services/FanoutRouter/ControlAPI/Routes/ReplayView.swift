import EventDelivery
import EventLog
import JSON
import PipelineConfiguration

/// Replays as the API shows and takes them.
enum ReplayView {
    static let shown = ShownObject<ReplayJob>([
        .init("id", .integer(in: 1...APISchema.mostPosition)) { .number($0.id) },
        .init("subscription") { .string($0.subscription) },
        .init("from", origin) { JSONValue.read(Array($0.selection.utf8))?["from"].json ?? .null },
        .init("state", .string(oneOf: ReplayJob.State.allCases.map(\.rawValue))) { .string($0.state.rawValue) },
        .init("selection", .ref("ReplaySelection")) { JSONText(raw: Array($0.selection.utf8)) },
        .init("rate", rate.orNull) { .optional($0.perSecond) { .number($0) } },
        .init("queued", .integer("Deliveries queued so far.")) { .number($0.queued) },
        .init("skipped", .integer("What was meant, but was retrying or queued already.")) { .number($0.skipped) },
        .init("waiting", .integer("Of those queued, how many have not ended.")) { .number($0.waiting) },
        .init("position", .integer("Everything up to here was looked at.", in: 0...APISchema.mostPosition)) {
            .number($0.position)
        },
        .init("last", .integer("The last position that is meant.", in: 0...APISchema.mostPosition)) {
            .number($0.last)
        },
        .init("created", .time()) { .time($0.createdAtNanoseconds) },
        .init("finished", .time("When all was queued, or cancelled.").orNull) {
            .optional($0.finishedAtNanoseconds) { .time($0) }
        },
    ])

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
        ("positions", .array(of: .position, "These positions.", least: 1, most: ReplaySelection.mostNames)),
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
                    ("all", .boolean.described("Everything that is kept; needed `from` the log without a selection.")),
                    ("rate", rate), ("dry_run", .boolean.described("Only count.")),
                ], required: ["subscription", "from"])
        ),
        ("ReplaySelection", .object([("from", origin)] + selection, required: ["from"])),
        (
            "ReplayCount",
            .whole(["count": .integer("Deliveries that would be made."), "dry_run": .boolean])
        ),
        ("Replay", shown.schema),
        ("ReplayPage", .page("replays", of: .ref("Replay"))),
    ]

    private static let rate = APISchema.number(
        "Deliveries per second at most; left out: as many as the subscription takes.", in: 0.1...10_000)

    /// Not an empty list, which would read as none, and so as everything.
    private static func texts(_ description: String, most: Int = ReplaySelection.mostPatterns) -> APISchema {
        .array(of: .string(length: 1...8192), description, least: 1, most: most)
    }
}
