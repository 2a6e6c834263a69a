import ArgumentParser
import Providers
import StageMetrics
import StageRuntime

/// `tributary check`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks the configuration and prints every error at once, with file, line and key.",
        discussion: """
            Examples:
              tributary check
              tributary check --config /etc/tributary.yaml --json
              tributary check --since /backup/tributary.yaml

            Exits with 0 when all is well and with 78 when not. Secrets that can be read here are looked at for line breaks,
            blanks and the like around them; none is printed.
            """)

    @OptionGroup var options: CommandOptions

    @Option(
        help: ArgumentHelp(
            "Say, too, what differs from an earlier version of the file, and what a reload does about it.",
            valueName: "copy"))
    var since: String?

    func run() {
        do {
            let configuration = try TributaryConfiguration.load(options.config)
            let warnings =
                SourceWarnings.of(configuration.sources, nowNanoseconds: wallNanoseconds())
                + configuration.router.warnings + configuration.secretWarnings
                + configuration.exposedSecrets(of: Stage.allCases)
            let changes = try since.map { copy throws(ConfigurationErrors) in
                let former = try TributaryConfiguration.load(copy, standingFor: options.config)
                return ConfigurationChange.between(former, configuration)
            }
            if options.json {
                print(
                    JSONText.object([
                        ("ok", .bool(true)), ("errors", .array([])),
                        ("warnings", .array(warnings.map(JSONText.string))),
                        ("fingerprint", .string(configuration.fingerprint)),
                        ("changes", .optional(changes) { .array($0.map(Self.json)) }),
                    ]))
            } else {
                print(Self.text(configuration, file: options.config))
                for warning in warnings { print("warning: \(warning)") }
                for change in changes ?? [] { print("changed: \(change) (\(Self.meaning(change)))") }
            }
        } catch {
            if options.json {
                print(Self.json(error))
            } else {
                StandardError.write(error.description + "\n")
                let count = error.errors.count
                StandardError.write("tributary: \(count) error\(count == 1 ? "" : "s") in \(options.config)\n")
            }
            ExitStatus.configuration.exit()
        }
    }

    /// Every source with its provider and what proves its webhooks, then the subscriptions.
    static func text(_ configuration: TributaryConfiguration, file: String) -> String {
        let subscriptions = configuration.subscriptions.map(\.name).joined(separator: ", ")
        var lines = ["OK: \(file) has no errors"]
        if configuration.sources.isEmpty {
            lines.append("sources: none")
        } else {
            var table = Table(["source", "provider", "verified by", "keys"])
            for source in configuration.sources {
                table.add([source.name, source.provider, source.schemeText, keys(source.secrets + source.pathTokens)])
            }
            lines.append(table.text)
        }
        lines.append("subscriptions: \(subscriptions.isEmpty ? "none" : subscriptions)")
        if let api = controlAPI(configuration.router) { lines.append(api) }
        return lines.joined(separator: "\n")
    }

    /// Where the control API listens and who may use it; nil where it is on the admin socket alone.
    private static func controlAPI(_ router: RouterConfiguration) -> String? {
        guard let listen = router.listen else { return nil }
        let tokens = router.apiTokens.map { token in
            let scopes = APITokenConfiguration.allScopes.filter(token.scopes.contains)
            return "\(token.name) (\(scopes.joined(separator: ", ")))"
        }
        return "control API: \(router.tls == nil ? "http" : "https")://\(listen) for "
            + printable(tokens.joined(separator: ", "))
    }

    private static func keys(_ secrets: [ConfiguredSecret]) -> String {
        secrets.map { one in one.id.map { "\($0) (\(secret(one)))" } ?? secret(one) }.joined(separator: ", ")
    }

    private static func secret(_ secret: ConfiguredSecret) -> String {
        let validity = secret.validity
        let start = validity.notBeforeNanoseconds.map { " from \(timeText($0))" } ?? ""
        let end = validity.notAfterNanoseconds.map { " until \(timeText($0))" } ?? ""
        return "\(secret.value)\(start)\(end)"
    }

    /// What a reload does about a change.
    private static func meaning(_ change: ConfigurationChange) -> String {
        let stages = change.stages.map(\.rawValue).joined(separator: ", ")
        return switch change.effect {
        case .inPlace: "taken over in place: \(stages)"
        case .restart: "restarts \(stages)"
        case .instances: "starts or stops instances"
        case .pipeline: "needs the whole pipeline to go down and up"
        }
    }

    private static func json(_ change: ConfigurationChange) -> JSONText {
        .object([
            ("text", .string(change.sentence)), ("effect", .string(change.effect.rawValue)),
            ("stages", .array(change.stages.map { .string($0.rawValue) })),
        ])
    }

    static func json(_ errors: ConfigurationErrors) -> JSONText {
        let list = errors.errors.map { error in
            JSONText.object([
                ("file", .string(error.file)), ("line", .number(error.line)), ("key", .string(error.keyPath)),
                ("text", .string(error.sentence)),
            ])
        }
        return .object([("ok", .bool(false)), ("errors", .array(list))])
    }
}
