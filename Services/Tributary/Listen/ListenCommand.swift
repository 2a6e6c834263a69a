import ArgumentParser
import Executable
import Glibc
import JSON
import PipelineConfiguration
import Threads
import WebSocket

struct ListenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listen",
        abstract: "Shows events as they come, and posts them to a local server.",
        discussion: """
            Examples:
              tributary listen 3000                  to http://localhost:3000/
              tributary listen 3000/hooks --type 'participant.*' --since 10m
              tributary listen http://localhost:3000/ --format cloudevents-binary \\
                --signing standard-webhooks --secret env:MY_APP_SECRET
              tributary listen --subject 'calls/*' --output compact    shows them alone
              tributary listen 3000 --output json | jq .status
              tributary listen 3000 --api https://router.example.com:8443

            Nothing is deployed, and no subscription is made: what the local server does is
            shown here and counts against nobody. An event is posted once, in its order; r
            sends the selected one again. A session that is lost goes on behind the last
            event. Deliveries look as those of a subscription with the same --format and
            --signing; they are not signed when --signing and --secret are left out.

            Keys: ↑↓ select, r send again, d details, f filter, q quit.
            """)

    /// Which keys of a subscription count here.
    enum Selection: FieldSelection {
        static let options = SubscriptionConfiguration.table.options().filter { option in
            ["filter", "signing"].contains(option.path.first) || option.path == ["format"]
        }
    }

    enum Output: String, ExpressibleByArgument, CaseIterable {
        case live
        case compact
        case json
    }

    private static let mostEventBytes = 64 << 20

    @Argument(help: ArgumentHelp("A local port, port/path or URL; shown alone when left out.", valueName: "port"))
    var target: String?

    @Option(
        help: ArgumentHelp(
            "From when on: RFC 3339, or how long ago, such as 10m; earliest; from now on when left out.",
            valueName: "time"))
    var since: String?

    @Option(
        help: ArgumentHelp(
            "live: a list to look at; compact: a line each; json: an object each. Live on a terminal when left out.",
            valueName: "form"))
    var output: Output?

    @Option(help: ArgumentHelp("How long the local server may take for an answer, in seconds.", valueName: "seconds"))
    var timeout = 30

    @OptionGroup(title: "What is listened to, and how it is posted") var fields: FieldOptions<Selection>
    @OptionGroup var options: RouterOptions

    func validate() throws {
        if let since, since != "earliest", TimeRange.instant(since) == nil {
            throw ValidationError("--since wants a time, how long ago, such as 10m, or earliest")
        }
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout takes 1 to 3600 seconds") }
    }

    func run() {
        let target = orExit { () throws(StageFailure) in try localTarget() }
        let client = options.router()
        let request = orExit { () throws(StageFailure) in
            try client.webSocket("/v1/stream", limits: WebSocketLimits(messageBytes: Self.mostEventBytes))
        }
        let start = since.map { $0 == "earliest" ? $0 : TimeRange.instant($0) ?? $0 } ?? "latest"
        let isLive = (output ?? (options.json ? .json : StandardOutput.isScreen ? .live : .compact)) == .live
        let isJSON = output == .json || output == nil && options.json
        let session = orExit { () throws(StageFailure) in
            try ListenSession(target) { row in
                if !isLive { StandardOutput.write((isJSON ? row.json.text : ListenView.line(row)) + "\n") }
            }
        }
        let terminal = isLive ? TerminalScreen() : nil
        let stream = ListenStream(request, instance: client.instance, subscription: subscription(), session: session) {
            if terminal == nil { StandardError.write("tributary: \($0)\n") }
        }
        if let terminal {
            BlockingThread(name: "stream") {
                let failure = stream.run(from: start)
                terminal.restore()
                failure.exit(as: "tributary")
            }
            show(session, on: terminal, title: title(target))
        } else {
            stream.run(from: start).exit(as: "tributary")
        }
    }

    /// Draws what there is, again and again, and does what keys say, until one ends it.
    private func show(_ session: ListenSession, on terminal: TerminalScreen, title: String) {
        var view = ListenView()
        while true {
            let (width, height) = TerminalScreen.size()
            terminal.draw(
                view.screen(session.rows, title: title, state: session.stream, width: width, height: height))
            for key in TerminalScreen.keys(in: terminal.key(timeoutMilliseconds: 200) ?? "") {
                switch session.change({ view.press(key, &$0) }) {
                case .none: break
                case .sendAgain(let number): session.sendAgain(number)
                case .quit: return terminal.restore()
                }
            }
        }
    }

    private func title(_ target: LocalTarget?) -> String {
        let filter = fields.values.filter { $0.option.path.first == "filter" }
            .map { "\($0.option.name) \($0.value.elements.map(\.text).joined(separator: ", "))" }
        let what = filter.isEmpty ? "all events" : filter.joined(separator: ", ")
        return printable("\(what) → \(target?.url.text ?? "this list alone")")
    }

    /// The `subscribe` message without its start.
    private func subscription() -> JSONDocument {
        var document = JSONDocument()
        document.set(["type"], .string("subscribe"))
        for (option, value) in fields.values where option.path.first != "signing" { document.set(option.path, value) }
        return document
    }

    private func localTarget() throws(StageFailure) -> LocalTarget? {
        guard let target else { return nil }
        var local: LocalTarget
        do throws(InvalidURL) {
            local = LocalTarget(url: try LocalTarget.url(target))
        } catch {
            throw StageFailure(
                .usage, "target_malformed: \(printable(target)): \(error.reason); write 3000 or http://localhost:3000/")
        }
        local.timeoutSeconds = timeout
        var scheme: SigningConfiguration.Scheme?
        for (option, value) in fields.values where option.path.first == "signing" {
            switch option.path.last {
            case "scheme":
                scheme = SigningConfiguration.Scheme(rawValue: value.text)
                guard scheme != nil else {
                    throw StageFailure(.usage, "scheme_unknown: --signing \(printable(value.text)): \(option.expected)")
                }
            case "api_key": local.signing.apiKey = value.text
            case "header": local.signing.header = value.text.lowercased()
            case "prefix": local.signing.prefix = value.text
            default:
                for reference in value.elements {
                    local.secrets.append(Array(try SubscriptionFields.secret(reference.text).utf8))
                }
            }
        }
        local.signing.scheme = scheme ?? (local.secrets.isEmpty ? .none : .standardWebhooks)
        guard local.signing.scheme == .none || !local.secrets.isEmpty else {
            throw StageFailure(.usage, "secret_missing: --signing \(local.signing.scheme.rawValue) wants a --secret")
        }
        return local
    }
}

extension ListenRows.Row {
    /// A line of `--output json`.
    var json: JSONText {
        var members: [(String, JSONText)] = [
            ("time", .string(event.time)), ("type", .string(event.type)), ("subject", .string(event.subject)),
            ("id", .string(event.webhookID)), ("token", .string(event.token)),
        ]
        switch outcome {
        case .answered(let status): members.append(("status", .number(status)))
        case .failed(let reason): members.append(("error", .string(reason)))
        case nil: break
        }
        if outcome != nil { members.append(("latency_ms", .number(Double(nanoseconds) / 1e6))) }
        return .object(members)
    }
}
