import ArgumentParser
import Executable
import JSON
import Primitives

struct SubscriptionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscriptions",
        abstract: "Shows, makes, changes, pauses and ends subscriptions.",
        discussion: """
            Examples:
              tributary subscriptions
                  how far each of them is
              tributary subscriptions create my-app --url https://app.example.com/events \\
                --type 'recording.*'
              tributary subscriptions test my-app
              tributary subscriptions pause my-app

            Subscriptions of the configuration are changed there; they can be shown,
            tested, paused and resumed here.
            """,
        subcommands: [
            SubscriptionsList.self, SubscriptionsShow.self, SubscriptionsCreate.self, SubscriptionsUpdate.self,
            SubscriptionsPause.self, SubscriptionsResume.self, SubscriptionsDelete.self, SubscriptionsTest.self,
            SubscriptionsRotateSecret.self,
        ], defaultSubcommand: SubscriptionsList.self)

    /// Where one subscription is, with what may be done to it.
    static func path(_ name: String, _ action: String? = nil) -> String {
        "/v1/subscriptions/\(PercentCoding.encode(name.utf8))" + (action.map { "/\($0)" } ?? "")
    }
}

struct SubscriptionsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Shows how far each subscription is.",
        discussion: """
            Examples:
              tributary subscriptions
              tributary subscriptions list --all --json
            """)

    @OptionGroup var page: PageOptions
    @OptionGroup var options: RouterOptions

    func run() {
        let columns = [
            "name", "origin", "state", "breaker", "cursor", "backlog", "in_flight", "retrying", "dead", "url",
            "disabled_reason",
        ]
        options.list(
            "/v1/subscriptions", [], "subscriptions", page, usualLimit: 1000, columns: columns,
            empty: "no subscriptions")
    }
}

struct SubscriptionsShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a subscription with its settings and what it is doing.",
        discussion: """
            Examples:
              tributary subscriptions show my-app
              tributary subscriptions show my-app --json | jq .filter
            """)

    @Argument(help: "The name of the subscription.")
    var name: String

    @OptionGroup var options: RouterOptions

    func run() {
        options.show("GET", SubscriptionsCommand.path(name), as: SubscriptionText.one)
    }
}

struct SubscriptionsPause: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stops the deliveries of a subscription, which keeps its place.",
        discussion: """
            Examples:
              tributary subscriptions pause my-app
            """)

    @Argument(help: "The name of the subscription.")
    var name: String

    @OptionGroup var options: RouterOptions

    func run() {
        options.show("POST", SubscriptionsCommand.path(name, "pause"), as: SubscriptionText.state)
    }
}

struct SubscriptionsResume: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Lets a paused or disabled subscription go on where it stopped.",
        discussion: """
            Examples:
              tributary subscriptions resume my-app

            A subscription is disabled when its subscriber answers 410 Gone, or fails for
            as long as disable_after.
            """, aliases: ["enable"])

    @Argument(help: "The name of the subscription.")
    var name: String

    @OptionGroup var options: RouterOptions

    func run() {
        options.show("POST", SubscriptionsCommand.path(name, "resume"), as: SubscriptionText.state)
    }
}

struct SubscriptionsDelete: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Ends a subscription and drops its place, dead letters and attempts.",
        discussion: """
            Examples:
              tributary subscriptions delete my-app
              tributary subscriptions delete my-app --yes       without asking
            """)

    @Argument(help: "The name of the subscription.")
    var name: String

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var options: RouterOptions

    func run() {
        let router = options.router()
        let wasDeleted = orExit { () throws(StageFailure) in try delete(router, Question.atTerminal) }
        if !options.json { print(wasDeleted ? "\(printable(name)) is deleted" : "nothing was deleted") }
        if !wasDeleted { ExitStatus.failure.exit() }
    }

    /// False where the person says no.
    func delete(_ router: StageClient, _ question: Question) throws(StageFailure) -> Bool {
        let subscription = try yes ? JSONValue.null : router.ask("GET", SubscriptionsCommand.path(name))
        // Those of the configuration are not deleted here: the router refuses, so nobody is asked.
        if !yes, subscription["origin"].text != "configuration" {
            let owed = "\(subscription["backlog"].text) events waiting, \(subscription["dead"].text) dead letters"
            guard try question.ask("delete the subscription \(printable(name)) (\(printable(owed))) for good?") else {
                return false
            }
        }
        _ = try router.ask("DELETE", SubscriptionsCommand.path(name))
        return true
    }
}

struct SubscriptionsTest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Sends one signed test request and says what came of it.",
        discussion: """
            Examples:
              tributary subscriptions test my-app

            It carries the header field tributary-test: true, is in no log and is not tried
            again. Exits with 1 when the subscriber does not take it.
            """)

    @Argument(help: "The name of the subscription.")
    var name: String

    @OptionGroup var options: RouterOptions

    func run() {
        let attempt = options.show("POST", SubscriptionsCommand.path(name, "test"), as: AttemptText.test)
        if attempt["outcome"].text != "delivered" { ExitStatus.failure.exit() }
    }
}

struct SubscriptionsRotateSecret: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-secret", abstract: "Signs with a new secret; the old one signs beside it for a while.",
        discussion: """
            Examples:
              tributary subscriptions rotate-secret my-app > new.secret
              tributary subscriptions rotate-secret my-app --keep-old 7d
              tributary subscriptions rotate-secret my-app --secret env:NEW_SECRET

            Without --secret the router makes one; it is printed this once, on standard
            output.
            """)

    @Argument(help: "The name of the subscription.")
    var name: String

    @Option(help: ArgumentHelp("Where the new secret is: env:NAME or file:PATH.", valueName: "reference"))
    var secret: String?

    @Option(help: ArgumentHelp("How long the old secret signs too, such as 24h.", valueName: "duration"))
    var keepOld: String?

    @OptionGroup var options: RouterOptions

    func validate() throws {
        guard keepOld.map({ DurationText.parse($0) != nil }) ?? true else {
            throw ValidationError("--keep-old wants a duration such as 24h")
        }
    }

    func run() {
        options.showSecret { router throws(StageFailure) in
            try router.reply("POST", SubscriptionsCommand.path(name, "rotate-secret"), try body())
        } saying: { answer in
            let until = answer["keep_old_until"].text
            let old = until.isEmpty ? "the old one no longer counts" : "the old one signs too until \(until)"
            return "\(name) signs with a new secret; \(old)"
        }
    }

    private func body() throws(StageFailure) -> JSONText {
        var members: [(String, JSONText)] = []
        if let secret { members.append(("secret", .string(try SubscriptionFields.secret(secret)))) }
        if let keepOld { members.append(("keep_old", .string(keepOld))) }
        return .object(members)
    }
}
