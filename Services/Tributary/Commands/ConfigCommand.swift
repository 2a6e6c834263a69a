import ArgumentParser
import JSON
import StageRuntime

/// `tributary config`
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Prints the configuration as the stages understand it, with all defaults, as JSON.",
        discussion: """
            Examples:
              tributary config
              tributary config --json | jq .environment
                  which variables each stage is given

            Secrets are shown as references, never as values; --json puts all on one line.
            """)

    @OptionGroup var options: CommandOptions

    func run() {
        let text = ConfigurationJSON.text(options.configuration())
        print(options.json ? text.text : JSONValue.read(text.bytes)?.indented() ?? text.text)
    }
}
