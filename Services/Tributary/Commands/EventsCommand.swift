import ArgumentParser
import StageRuntime

/// `tributary events`
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Lists the event log, or shows one event with its way and its deliveries.",
        discussion: """
            Examples:
              tributary events                                   the first 20 events
              tributary events --after 1000 --limit 100
              tributary events --source stream --type recording.ready    (the common prefix of types may be left out)
              tributary events --subject calls/livestream:town-hall-42 --json
              tributary events 42                                the event at position 42
              tributary events 0199f7c2-5a0e-7cc3-98c4-dc0c0c07398f    the event with this id
            """)

    @Argument(help: "The position or id of one event.")
    var event: String?

    @Option(help: ArgumentHelp("Only events of this source.", valueName: "name"))
    var source: String?

    @Option(help: ArgumentHelp("Only events of exactly this type.", valueName: "type"))
    var type: String?

    @Option(help: ArgumentHelp("Only events about exactly this subject.", valueName: "subject"))
    var subject: String?

    @Option(help: ArgumentHelp("Only events with this id.", valueName: "id"))
    var id: String?

    @Option(help: ArgumentHelp("Only events after this position.", valueName: "position"))
    var after: UInt64?

    @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
    var limit = 20

    @OptionGroup var options: CommandOptions

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be 1 to 100000") }
    }

    func run() {
        let router = StageClient.router(options.configuration())
        if let event {
            let found = orExit { () throws(StageFailure) in
                try router.ask("GET", "/events/\(AdminClient.encoded(event))")
            }
            print(options.json ? found.json.text : EventText.one(found))
            return
        }
        let (events, next) = orExit { () throws(StageFailure) in try list(router) }
        if options.json {
            print(JSONText.object([("events", .array(events.map(\.json))), ("next", next.json)]))
        } else {
            print(EventText.list(events))
            if case .number(let position) = next { print("more: --after \(position)") }
        }
    }

    /// Goes on until the limit or the end: the router answers a search in pages that may be empty.
    private func list(_ router: StageClient) throws(StageFailure) -> (events: [JSONValue], next: JSONValue) {
        var events: [JSONValue] = []
        var position = after.map(String.init)
        while true {
            let target = StageClient.target(
                "/events",
                [
                    ("source", source), ("type", type), ("subject", subject), ("id", id), ("after", position),
                    ("limit", String(limit - events.count)),
                ])
            let page = try router.ask("GET", target)
            events += page["events"].elements
            guard case .number(let next) = page["next"], events.count < limit, next != position else {
                return (events, page["next"])
            }
            position = next
        }
    }
}
