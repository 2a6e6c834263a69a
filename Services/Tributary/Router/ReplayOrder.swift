import ArgumentParser
import Executable
import Glibc
import JSON
import Primitives

/// How a replay is carried out.
struct ReplayRunOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Deliveries per second, 0.1 to 10000; as fast as the subscription takes them when left out.", valueName: "n"
        ))
    var rate: Double?

    @Flag(help: "Only count what would be delivered.")
    var dryRun = false

    @Flag(help: "Wait until the replay has ended; progress goes to the terminal.")
    var wait = false

    func validate() throws {
        guard rate.map({ (0.1...10_000).contains($0) }) ?? true else {
            throw ValidationError("--rate must be 0.1 to 10000")
        }
        guard !dryRun || !wait else { throw ValidationError("--dry-run starts nothing to --wait for") }
    }
}

/// What `POST /v1/replays` is asked for.
struct ReplayOrder {
    enum Origin: String {
        case log
        case deadLetters = "dead-letters"
    }

    private let members: [(String, JSONText)]

    /// `choices`: what is to be replayed. The router takes an empty list for no choice at all, so those are left out.
    init(from origin: Origin, subscription: String, all: Bool, _ choices: [(String, JSONText?)]) {
        let empty = JSONText.array([])
        let chosen = (choices + [("all", all ? .bool(true) : nil)]).compactMap { name, value in
            value.flatMap { $0 == empty ? nil : (name, $0) }
        }
        members = [("subscription", .string(subscription)), ("from", .string(origin.rawValue))] + chosen
    }

    /// The body of the request.
    func json(_ run: ReplayRunOptions) -> JSONText {
        .object(
            members + (run.rate.map { [("rate", .number($0))] } ?? []) + (run.dryRun ? [("dry_run", .bool(true))] : []))
    }

    /// Asks the router and prints what came of it.
    func carryOut(_ run: ReplayRunOptions, _ options: RouterOptions) {
        options.show(as: ReplayText.one) { router throws(StageFailure) in try start(run, router) }
    }

    func start(_ run: ReplayRunOptions, _ router: StageClient) throws(StageFailure) -> StageReply {
        let reply = try router.reply("POST", "/v1/replays", json(run))
        guard run.wait else { return reply }
        return try ReplayWatch(router, id: reply.value["id"].text).end()
    }
}

/// A replay that the router carries out, seen from here.
struct ReplayWatch {
    private let router: StageClient
    private let id: String

    init(_ router: StageClient, id: String) {
        self.router = router
        self.id = id
    }

    func now() throws(StageFailure) -> StageReply {
        try router.reply("GET", "/v1/replays/\(PercentCoding.encode(id.utf8))")
    }

    /// Asks every half second until the replay has ended; on a terminal, one line shows how far it is.
    func end() throws(StageFailure) -> StageReply {
        let isTerminal = isatty(2) == 1
        if !isTerminal { StandardError.write("tributary: waiting for replay \(printable(id))\n") }
        while true {
            let reply = try now()
            let hasEnded = ReplayText.hasEnded(reply.value)
            if isTerminal {
                StandardError.write("\r\u{1B}[K\(ReplayText.progress(reply.value))\(hasEnded ? "\n" : "")")
            }
            if hasEnded { return reply }
            // The API has nothing that would announce the end.
            usleep(500_000)
        }
    }
}

extension TimeRange {
    /// What is to be replayed by when it was received.
    var choices: [(String, JSONText?)] { parameters.map { ($0.0, $0.1.map(JSONText.string)) } }
}
