import ArgumentParser
import Executable
import JSON

struct SubscriptionsCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes a subscription, which delivers at once.",
        discussion: """
            Examples:
              tributary subscriptions create my-app --url https://app.example.com/events \\
                > my-app.secret
              tributary subscriptions create rooms --url https://app.example.com/r \\
                --type 'room.*' --source rooms
              tributary subscriptions create one-call --url https://app.example.com/c \\
                --subject calls/livestream:town-hall-42 --start earliest
              tributary subscriptions create old-app --url https://old.example.com/hook \\
                --format original \\
                --signing stream --secret env:OLD_APP_SECRET --api-key k1 --retry stream
              tributary subscriptions create --from-file my-app.yaml
              tributary subscriptions create copy --from-file - < my-app.json

            Without --signing deliveries are signed after Standard Webhooks with a secret
            that the router makes. It is printed this once, on standard output. A document
            has the keys of the configuration's subscriptions; options go before it.
            """)

    @Argument(help: "The name; the document's when left out.")
    var name: String?

    @OptionGroup(title: "Settings") var fields: SubscriptionFields

    @Option(
        help: ArgumentHelp(
            "The first event: latest (what comes from now on), earliest, a position, a time, or how long ago.",
            valueName: "start"))
    var start: String?

    @OptionGroup var options: RouterOptions

    func validate() throws {
        let hasPlace = fields.options.has("url") || fields.options.has("destination")
        guard fields.fromFile != nil || (name != nil && hasPlace) else {
            throw ValidationError(
                "name the subscription and its --url or --destination, or a --from-file that holds both")
        }
        if let start, Self.start(start) == nil {
            throw ValidationError("--start wants latest, earliest, a position, a time, or how long ago, such as 2h")
        }
    }

    func run() {
        options.showSecret { router throws(StageFailure) in
            try router.reply("POST", "/v1/subscriptions", try document())
        } saying: {
            "\($0["name"].text) is made"
        }
    }

    /// The body of the request.
    func document() throws(StageFailure) -> JSONText {
        var document = try fields.document()
        if let name { document.set(["name"], .string(name)) }
        if let start = start.flatMap(Self.start) { document.set(["start"], start) }
        return document.value.json
    }

    static func start(_ text: String) -> JSONValue? {
        if ["latest", "earliest"].contains(text) { return .string(text) }
        if let position = UInt64(text), position > 0 { return .number(String(position)) }
        return TimeRange.instant(text).map(JSONValue.string)
    }
}

struct SubscriptionsUpdate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Changes a subscription; it keeps its place and drops nothing.",
        discussion: """
            Examples:
              tributary subscriptions update my-app --url https://new.example.com/events
              tributary subscriptions update my-app --type 'call.*' --type recording.ready
                  instead of what it had
              tributary subscriptions update my-app --unset rate_limit \\
                --unset filter.subjects
              tributary subscriptions update my-app --from-file patch.yaml

            What is not named stays as it is. Secrets are changed with: tributary
            subscriptions rotate-secret.
            """)

    @Argument(help: "The name of the subscription.")
    var name: String

    @OptionGroup(title: "Settings") var fields: SubscriptionFields

    @Option(
        help: ArgumentHelp(
            "Back to the default: a key, such as rate_limit, or filter.types. May be repeated.", valueName: "key"))
    var unset: [String] = []

    @OptionGroup var options: RouterOptions

    func run() {
        options.showSecret { router throws(StageFailure) in
            try router.reply("PATCH", SubscriptionsCommand.path(name), try patch())
        } saying: {
            "\(name) is changed, revision \($0["revision"].text)"
        }
    }

    /// A merge patch (RFC 7396). Fails with 64 where nothing is to be changed.
    func patch() throws(StageFailure) -> JSONText {
        var patch = try fields.document()
        for key in unset { patch.set(key.split(separator: ".").map(String.init), .null) }
        guard patch.value != .object([]) else {
            throw StageFailure(.usage, "nothing_to_change: name what is to be different, such as --url or --unset")
        }
        return patch.value.json
    }
}
