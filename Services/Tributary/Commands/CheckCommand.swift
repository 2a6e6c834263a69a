import ArgumentParser
import StageMetrics
import Providers
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

            Exits with 0 when all is well and with 78 when not. Secrets are not read.
            """)

    @OptionGroup var options: CommandOptions

    func run() {
        do {
            let configuration = try TributaryConfiguration.load(options.config)
            let warnings =
                SourceWarnings.of(configuration.sources, nowNanoseconds: wallNanoseconds())
                + configuration.router.warnings
            if options.json {
                print(
                    JSONText.object([
                        ("ok", .bool(true)), ("errors", .array([])),
                        ("warnings", .array(warnings.map(JSONText.string))),
                    ]))
            } else {
                print(Self.text(configuration, file: options.config))
                for warning in warnings { print("warning: \(warning)") }
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
        return lines.joined(separator: "\n")
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
