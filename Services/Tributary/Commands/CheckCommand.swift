import ArgumentParser
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
            if options.json {
                print(JSONText.object([("ok", .bool(true)), ("errors", .array([]))]))
            } else {
                let sources = configuration.sources.map(\.name).joined(separator: ", ")
                let subscriptions = configuration.subscriptions.map(\.name).joined(separator: ", ")
                print("OK: \(options.config) has no errors")
                print("sources: \(sources.isEmpty ? "none" : sources)")
                print("subscriptions: \(subscriptions.isEmpty ? "none" : subscriptions)")
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
