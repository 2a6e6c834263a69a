import ArgumentParser
import StageRuntime

/// `tributary config`
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Prints the configuration as the stages understand it, with all defaults, as JSON.",
        discussion: """
            Examples:
              tributary config
              tributary config | jq .environment      which variables each stage is given

            Secrets are shown as references, never as values.
            """)

    @OptionGroup var options: CommandOptions

    func run() {
        print(ConfigurationJSON.text(options.configuration()))
    }
}
