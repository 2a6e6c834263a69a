import ArgumentParser
import Executable
import JSON
import PipelineConfiguration

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Prints the configuration as the stages understand it, with all defaults, as JSON.",
        discussion: """
            Examples:
              tributary config
              tributary config --environment --json | jq .environment
                  which variables each stage is given
              tributary config --schema > compose/tributary.schema.json
                  for editors, as JSON Schema
              tributary config --reference > compose/CONFIGURATION.md

            What is printed is a configuration too. Secrets are shown as references, never
            as values; --json puts all on one line.
            """)

    @OptionGroup var options: CommandOptions

    @Flag(help: "What the pipeline runs by, whatever the file says by now.")
    var running = false

    @Flag(help: "Adds, for each stage, the names of the environment variables that it is given.")
    var environment = false

    @Flag(help: "Prints the JSON Schema of configuration files instead.")
    var schema = false

    @Flag(help: "Prints the reference page of all keys instead, as Markdown.")
    var reference = false

    func validate() throws {
        guard [running || environment, schema, reference].count(where: { $0 }) < 2 else {
            throw ValidationError("--schema and --reference look at no configuration and print one thing each")
        }
    }

    func run() {
        if schema { return show(ConfigurationReference.schema) }
        if reference { return print(ConfigurationReference.page, terminator: "") }
        let configuration = running ? options.whatRuns() : options.configuration()
        show(environment ? configuration.jsonWithEnvironment : configuration.json)
    }

    private func show(_ value: JSONValue) {
        print(options.json ? value.json.text : value.indented())
    }
}
