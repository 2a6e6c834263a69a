import ArgumentParser
import Executable
import JSON
import Primitives

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Searches the event log, or shows one event with its way and its deliveries.",
        discussion: """
            Examples:
              tributary events                       the newest 20 events
              tributary events 42
                  the event at position 42, as does: tributary events show 42
              tributary events --type 'recording.*' --since 1h
            """,
        subcommands: [EventsList.self, EventsShow.self], defaultSubcommand: EventsList.self)
}

struct EventsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Searches the event log, the newest event first.",
        discussion: """
            Examples:
              tributary events list --source stream --type recording.ready
              tributary events list --subject 'calls/livestream:*' --since 2h --limit 200
              tributary events list --order asc --after 1000 --all --json
                  one line of JSON per page
            """)

    @Argument(help: "The position or id of one event, to show it.")
    var event: String?

    @OptionGroup var filter: EventFilter

    @Option(help: ArgumentHelp("Only events after this position.", valueName: "position"))
    var after: UInt64?

    @Option(help: ArgumentHelp("desc: the newest first; asc: the oldest.", valueName: "order"))
    var order = ListOrder.desc

    @OptionGroup var range: TimeRange
    @OptionGroup var page: PageOptions
    @OptionGroup var options: RouterOptions

    func run() {
        options.hint(source: filter.source, type: filter.type)
        if let event { return EventsShow.show(event, source: filter.source, options) }
        let parameters =
            filter.parameters + range.parameters + [("after", after.map(String.init)), ("order", order.rawValue)]
        options.list(
            "/v1/events", parameters, "events", page, usualLimit: 20,
            columns: ["position", "time", "source", "type", "subject", "id"], empty: "no events")
    }
}

/// Which end of a list comes first.
enum ListOrder: String, ExpressibleByArgument, CaseIterable {
    case asc
    case desc
}

/// Which events are meant.
struct EventFilter: ParsableArguments {
    @Option(help: ArgumentHelp("Only events of this source.", valueName: "name"))
    var source: String?

    @Option(
        help: ArgumentHelp(
            "Only events of this type; * stands for anything, dev.tributary. may be left out.", valueName: "type"))
    var type: String?

    @Option(help: ArgumentHelp("Only events about this subject; * stands for anything.", valueName: "subject"))
    var subject: String?

    @Option(help: ArgumentHelp("Only events with this partition key; * stands for anything.", valueName: "key"))
    var key: String?

    @Option(help: ArgumentHelp("Only events with this id.", valueName: "id"))
    var id: String?

    @Option(help: ArgumentHelp("Only events of this provider.", valueName: "provider"))
    var provider: String?

    var parameters: [(String, String?)] {
        [
            ("source", source), ("type", type), ("subject", subject), ("key", key), ("id", id),
            ("provider", provider),
        ]
    }
}

struct EventsShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one event with its body, its way through the stages and its deliveries.",
        discussion: """
            Examples:
              tributary events show 42
              tributary events show 0199f7c2-5a0e-7cc3-98c4-dc0c0c07398f \\
                --json | jq .event.data
            """)

    @Argument(help: "The position or id of the event.")
    var event: String

    @Option(help: ArgumentHelp("Where several sources gave the same id: the one that is meant.", valueName: "name"))
    var source: String?

    @OptionGroup var options: RouterOptions

    func run() {
        Self.show(event, source: source, options)
    }

    static func show(_ event: String, source: String?, _ options: RouterOptions) {
        let path = "/v1/events/\(PercentCoding.encode(event.utf8))"
        options.show("GET", StageClient.target(path, [("source", source)]), as: EventText.one)
    }
}
