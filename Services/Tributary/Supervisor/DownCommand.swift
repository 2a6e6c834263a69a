import ArgumentParser
import Executable
import JSON

struct DownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Drains and stops every stage, from the ingress to the router.",
        discussion: """
            'scripts/supervisor down' stops what a killed supervisor has left, too.

            Exit codes: 1 a stage that was started by hand goes on.
            """)

    @OptionGroup var options: SupervisorOptions

    func run() {
        let runDir = options.runDir(warns: false)
        let rows = orExit { () throws(StageFailure) in try PipelineStatus(runDir: runDir).rows }
        if options.answer(to: "down", [], isSilent: false, warns: true) == nil {
            StandardOutput.write("nothing runs.\n")
        }
        let byHand = rows.filter { $0["by_hand"] == .bool(true) }
        for row in byHand {
            let (instance, pid) = (row["instance"].text, row["pid"].text)
            StandardError.write("tributary: \(instance) was started by hand and goes on; 'kill \(pid)' ends it.\n")
        }
        if !byHand.isEmpty { ExitStatus.failure.exit() }
    }
}

/// What `scripts/supervisor up -d` waits by: every stage ready, with the variables of its environment.
struct AwaitReadyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "await-ready", shouldDisplay: false)

    @OptionGroup var options: SupervisorOptions

    func run() { options.ask("await-ready", [SupervisorOptions.environment], warns: false) }
}
