import ArgumentParser
import Executable
import JSON

/// How much of a list is wanted.
struct PageOptions: ParsableArguments {
    @Option(help: ArgumentHelp("At most so many, 1 to 100000.", valueName: "n"))
    var limit: Int?

    @Option(help: ArgumentHelp("Go on where a former list ended, with the same filters.", valueName: "cursor"))
    var cursor: String?

    @Flag(help: "Everything there is, page after page.")
    var all = false

    func validate() throws {
        guard limit.map({ (1...100_000).contains($0) }) ?? true else {
            throw ValidationError("--limit must be 1 to 100000")
        }
        guard limit == nil || !all else { throw ValidationError("--all and --limit exclude one another") }
    }
}

/// A list of the control API, a page at a time: however long it is, one page is in memory.
struct PageWalk {
    /// What the API gives at once.
    private static let pageLimit = 1000

    private let router: StageClient
    private let path: String
    private let parameters: [(String, String?)]
    /// The member that holds the records.
    let name: String
    /// Records still wanted; nil: all.
    private var wanted: Int?
    private var isAtEnd = false
    /// Where to go on; nil at the end of the list.
    private(set) var cursor: String?

    init(
        _ router: StageClient, _ path: String, _ parameters: [(String, String?)], name: String, options: PageOptions,
        usualLimit: Int = 100
    ) {
        self.router = router
        self.path = path
        self.parameters = parameters
        self.name = name
        wanted = options.all ? nil : options.limit ?? usualLimit
        cursor = options.cursor
    }

    /// All of a list.
    init(_ router: StageClient, _ path: String, _ parameters: [(String, String?)], name: String) {
        (self.router, self.path, self.parameters, self.name) = (router, path, parameters, name)
    }

    /// The next page, which may be empty in the middle of a search; nil at the end or when there is enough. `most`: records
    /// on it.
    mutating func next(most: Int = pageLimit) throws(StageFailure) -> StageReply? {
        let limit = min(wanted ?? most, most)
        guard !isAtEnd, limit > 0 else { return nil }
        let reply = try router.reply(
            "GET", StageClient.target(path, parameters + [("limit", String(limit)), ("cursor", cursor)]))
        wanted? -= reply.value[name].elements.count
        let next = reply.value["next_cursor"].text
        // A cursor that stands still would never end.
        isAtEnd = next.isEmpty || next == cursor
        cursor = next.isEmpty ? nil : next
        return reply
    }

    /// Prints what there is: as tables with these members as columns, or each page as it came.
    mutating func show(json: Bool, columns: [String], empty: String) throws(StageFailure) {
        var shown = 0
        while let page = try next() {
            if json {
                print(page.text)
                continue
            }
            let records = page.value[name].elements
            if records.isEmpty { continue }
            print(RecordList.text(records, columns: columns, empty: "", withTitles: shown == 0))
            shown += records.count
        }
        if json { return }
        if shown == 0 { print(empty) }
        if let cursor { print("more: --cursor \(printable(cursor))") }
    }
}
