import Executable
import JSON

/// Webhooks that are to go through the pipeline again, a page at a time.
protocol ReplayWalk {
    /// How many there are to meet, as far as is known.
    var expected: Int { get }
    /// Those that were asked for and are not there.
    var missing: [(id: UInt64, sentence: String)] { get }

    /// The next ones as the router gives refused webhooks (`QuarantineEntry`), at most `limit`; empty at the end.
    mutating func next(_ limit: Int) throws(StageFailure) -> [JSONValue]
}

/// The chosen entries of the quarantine with their contents, oldest first, a page at a time: however many there are, one
/// page is in memory. What comes in during the walk is left alone, so that what is refused again is not met again.
struct QuarantineWalk: ReplayWalk {
    /// Entries on a page; the router gives fewer where they are large.
    static let pageLimit = 100

    private let router: StageClient
    private var ids: [UInt64]
    /// Nil where entries are named: nothing follows those.
    private var pages: PageWalk?
    let expected: Int
    private(set) var missing: [(id: UInt64, sentence: String)] = []

    /// The entries with these numbers, or, when there are none, those that the filter names; of these only the ones that
    /// were not replayed before, unless `isRepeated`.
    init(
        _ router: StageClient, ids: [UInt64], filter: QuarantineFilter, isRepeated: Bool
    ) throws(StageFailure) {
        self.router = router
        self.ids = ids
        guard ids.isEmpty else {
            expected = ids.count
            return
        }
        let standing = try QuarantineStanding(router, filter.parameters + [("replayed", isRepeated ? nil : "false")])
        expected = standing.count
        if expected > 0 {
            pages = PageWalk(
                router, "/v1/quarantine", standing.parameters + [("content", "true")], name: "quarantine")
        }
    }

    mutating func next(_ limit: Int) throws(StageFailure) -> [JSONValue] {
        if !ids.isEmpty { return try named(limit) }
        while let page = try pages?.next(most: limit) {
            let entries = page.value["quarantine"].elements
            if !entries.isEmpty { return try whole(entries) }
        }
        return []
    }

    /// What the router masked cannot be sent on its way again.
    private func whole(_ entries: [JSONValue]) throws(StageFailure) -> [JSONValue] {
        guard !entries.contains(where: { $0["masked"] == .bool(true) }) else {
            throw StageFailure(
                .failure,
                "scope_missing: \(router.instance) shows refused webhooks whole only to tokens with the scope replay; "
                    + "use one of those, or ask the router on its own machine")
        }
        return entries
    }

    private mutating func named(_ limit: Int) throws(StageFailure) -> [JSONValue] {
        var entries: [JSONValue] = []
        // One entry may be as large as a body may be, so few are held at a time.
        while entries.count < min(limit, 4), !ids.isEmpty {
            let id = ids.removeFirst()
            do {
                entries.append(try router.ask("GET", "/v1/quarantine/\(id)"))
            } catch {
                if error.status == .unavailable { throw error }
                missing.append((id, error.sentence))
            }
        }
        return try whole(entries)
    }
}

/// What is in quarantine now of what is meant: what comes in later is not.
struct QuarantineStanding {
    let parameters: [(String, String?)]
    /// By source and code.
    let totals: [JSONValue]

    init(_ router: StageClient, _ meant: [(String, String?)]) throws(StageFailure) {
        let newest = try router.ask("GET", "/v1/quarantine?limit=1")["newest"].text
        parameters = meant + [("through", newest.isEmpty ? "0" : newest)]
        totals = try router.ask("GET", StageClient.target("/v1/quarantine/totals", parameters))["totals"].elements
    }

    var count: Int { totals.reduce(0) { $0 + Int($1["webhooks"].integer ?? 0) } }
}
