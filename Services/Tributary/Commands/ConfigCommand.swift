import ArgumentParser
import Executable
import JSON
import PipelineConfiguration

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

    @Flag(help: "What the pipeline runs by, whatever the file says by now.")
    var running = false

    func run() {
        let configuration = running ? orExit { () throws(StageFailure) in try whatRuns() } : options.configuration()
        let text = ConfigurationJSON.text(configuration)
        print(options.json ? text.text : JSONValue.read(text.bytes)?.indented() ?? text.text)
    }

    /// Fails with 77 where this user may not use the run directory; that it is not there is no matter of permission.
    private func whatRuns() throws(StageFailure) -> TributaryConfiguration {
        let configuration = try options.running()
        do throws(StageFailure) {
            try FileAccess.check(configuration.runDir)
        } catch {
            if error.status != .unavailable { throw error }
        }
        return configuration
    }
}
