import ArgumentParser
import StageRuntime

/// `tributary subscriptions`
struct SubscriptionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscriptions",
        abstract: "Shows how far each subscription is, or enables a disabled one.",
        subcommands: [SubscriptionsList.self, SubscriptionsEnable.self], defaultSubcommand: SubscriptionsList.self)
}

/// `tributary subscriptions list`
struct SubscriptionsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Shows how far each subscription is.",
        discussion: """
            Examples:
              tributary subscriptions
              tributary subscriptions list --json
            """)

    @OptionGroup var options: CommandOptions

    func run() {
        let router = StageClient.router(options.configuration())
        let answer = orExit { () throws(StageFailure) in try router.ask("GET", "/subscriptions") }
        if options.json { return print(answer.json) }
        let columns = [
            "name", "state", "breaker", "cursor", "backlog", "in_flight", "retrying", "dead", "url", "disabled_reason",
        ]
        print(RecordList.text(answer, "subscriptions", columns: columns, empty: "no subscriptions"))
    }
}

/// `tributary subscriptions enable`
struct SubscriptionsEnable: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Lets a disabled subscription go on where it stopped.",
        discussion: """
            Examples:
              tributary subscriptions enable my-app

            A subscription is disabled when its subscriber answers 410 Gone.
            """)

    @Argument(help: "The name of the subscription.")
    var name: String

    @OptionGroup var options: CommandOptions

    func run() {
        let router = StageClient.router(options.configuration())
        let target = "/subscriptions/\(AdminClient.encoded(name))/enable"
        let answer = orExit { () throws(StageFailure) in try router.ask("POST", target) }
        print(options.json ? answer.json.text : "\(name) is enabled")
    }
}
