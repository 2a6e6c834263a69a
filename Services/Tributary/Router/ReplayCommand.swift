import ArgumentParser
import Executable
import JSON

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Delivers events again to one subscription, from the log or from its dead letters.",
        discussion: """
            A replay delivers the same events with the same ids, marked with the header
            field tributary-replay. It is carried out by the router; this command may end
            before it does.
            """,
        subcommands: [ReplayCreate.self, ReplayList.self, ReplayShow.self, ReplayCancel.self, ReplayDelete.self],
        defaultSubcommand: ReplayList.self)
}

struct ReplayCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Starts a replay.",
        discussion: """
            Examples:
              tributary replay create --to my-app --since 2h --dry-run
                  how many would that be?
              tributary replay create --to my-app --since 2h --type 'recording.*' \\
                --rate 50 --wait
              tributary replay create --to my-app --first 1000 --last 2000
              tributary replay create --to my-app --id 0199f7c2-5a0e-7cc3-98c4-dc0c0c07398f
              tributary replay create --to my-app --dead-letters --cause timeout

            From the log, what the subscription's filter does not take is left out.
            """)

    @Option(help: ArgumentHelp("The subscription to deliver to.", valueName: "subscription"))
    var to: String

    @Flag(help: "Choose among the subscription's dead letters, not in the log.")
    var deadLetters = false

    @Option(help: ArgumentHelp("The event at this position. May be repeated.", valueName: "position"))
    var position: [UInt64] = []

    @Option(help: ArgumentHelp("The event with this id. May be repeated.", valueName: "id"))
    var id: [String] = []

    @Option(help: ArgumentHelp("From this position on.", valueName: "position"))
    var first: UInt64?

    @Option(help: ArgumentHelp("Up to this position.", valueName: "position"))
    var last: UInt64?

    @Option(help: ArgumentHelp("Only events of this type, with *. May be repeated.", valueName: "type"))
    var type: [String] = []

    @Option(help: ArgumentHelp("Only events of this source. May be repeated.", valueName: "name"))
    var source: [String] = []

    @Option(help: ArgumentHelp("Only events about this subject, with *. May be repeated.", valueName: "subject"))
    var subject: [String] = []

    @Option(help: ArgumentHelp("Only events with this partition key, with *. May be repeated.", valueName: "key"))
    var key: [String] = []

    @Option(help: ArgumentHelp("With --dead-letters: only for this cause. May be repeated.", valueName: "cause"))
    var cause: [String] = []

    @Flag(help: "Everything that is kept.")
    var all = false

    @OptionGroup var range: TimeRange
    @OptionGroup var runOptions: ReplayRunOptions
    @OptionGroup var options: RouterOptions

    func validate() throws {
        let lists = [id, type, source, subject, key, cause]
        let isChosen =
            !position.isEmpty || lists.contains { !$0.isEmpty } || first != nil || last != nil || !range.isEmpty
        guard all != isChosen else {
            throw ValidationError("choose events, such as by --since, --first, --type or --id, or take --all")
        }
        guard cause.isEmpty || deadLetters else { throw ValidationError("--cause belongs to --dead-letters") }
    }

    func run() {
        let texts = { (list: [String]) in JSONText.array(list.map(JSONText.string)) }
        ReplayOrder(
            from: deadLetters ? .deadLetters : .log, subscription: to, all: all,
            [
                ("positions", .array(position.map { .number($0) })), ("ids", texts(id)),
                ("first", first.map { .number($0) }), ("last", last.map { .number($0) }),
            ] + range.choices + [
                ("types", texts(type)), ("sources", texts(source)), ("subjects", texts(subject)),
                ("keys", texts(key)), ("causes", texts(cause)),
            ]
        ).carryOut(runOptions, options)
    }
}

struct ReplayList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the replays, the newest first.",
        discussion: """
            Examples:
              tributary replay list
              tributary replay list --subscription my-app --json
            """)

    @Option(help: ArgumentHelp("Only those to this subscription.", valueName: "name"))
    var subscription: String?

    @OptionGroup var page: PageOptions
    @OptionGroup var options: RouterOptions

    func run() {
        let columns = [
            "id", "subscription", "from", "state", "queued", "waiting", "skipped", "position", "last", "created",
            "finished",
        ]
        options.list(
            "/v1/replays", [("subscription", subscription)], "replays", page, columns: columns, empty: "no replays")
    }
}

struct ReplayShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows how far a replay is.",
        discussion: """
            Examples:
              tributary replay show 3
              tributary replay show 3 --wait        until it has ended
            """)

    @Argument(help: "The number of the replay.")
    var id: UInt64

    @Flag(help: "Wait until it has ended.")
    var wait = false

    @OptionGroup var options: RouterOptions

    func run() {
        options.show(as: ReplayText.one) { router throws(StageFailure) in
            let watch = ReplayWatch(router, id: String(id))
            return wait ? try watch.end() : try watch.now()
        }
    }
}

struct ReplayCancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Ends a replay; what it has queued and nobody has begun is not sent.",
        discussion: """
            Examples:
              tributary replay cancel 3
            """)

    @Argument(help: "The number of the replay.")
    var id: UInt64

    @OptionGroup var options: RouterOptions

    func run() {
        options.show("POST", "/v1/replays/\(id)/cancel", as: ReplayText.one)
    }
}

struct ReplayDelete: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Forgets a replay that has ended; what it delivered stays delivered.",
        discussion: """
            Examples:
              tributary replay delete 3

            One that still runs is refused: cancel it first.
            """)

    @Argument(help: "The number of the replay.")
    var id: UInt64

    @OptionGroup var options: RouterOptions

    func run() {
        let router = options.router()
        _ = orExit { () throws(StageFailure) in try router.reply("DELETE", "/v1/replays/\(id)") }
        print(options.json ? #"{"deleted":\#(id)}"# : "replay \(id) is deleted")
    }
}
