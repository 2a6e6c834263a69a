import ArgumentParser
import Executable
import PipelineConfiguration

/// The options that every command has.
struct CommandOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration file; TRIBUTARY_CONFIG when left out.", valueName: "file"))
    var config = StageOptions.defaultConfiguration

    @Flag(help: "Print JSON, for programs.")
    var json = false

    /// The configuration; ends the process with every error and status 78 when it is wrong.
    func configuration() -> TributaryConfiguration {
        orExit { () throws(StageFailure) in try TributaryConfiguration.loadForProcess(config) }
    }
}

extension CommandOptions {
    /// The configuration of the pipeline that runs, for commands that ask it; says on standard error where the file is
    /// another by now.
    func running() throws(StageFailure) -> TributaryConfiguration {
        try AcceptedConfiguration.running(config) { StandardError.write("tributary: \($0)\n") }
    }

    /// The same; ends the process where this user may not use the run directory.
    func whatRuns() -> TributaryConfiguration {
        orExit { () throws(StageFailure) in
            try AcceptedConfiguration.usable(config) { StandardError.write("tributary: \($0)\n") }
        }
    }
}

/// The result of `body`, or the end of the process with the failure's sentence and status.
func orExit<Result>(_ body: () throws(StageFailure) -> Result) -> Result {
    do {
        return try body()
    } catch {
        error.exit(as: "tributary")
    }
}
