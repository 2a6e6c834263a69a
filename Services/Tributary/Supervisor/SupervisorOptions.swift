import ArgumentParser
import Executable
import Foundation
import Glibc
import JSON
import PipelineConfiguration

/// What every command has that the running supervisor does.
struct SupervisorOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration file; TRIBUTARY_CONFIG when left out.", valueName: "file"))
    var config = StageOptions.defaultConfiguration

    /// The variables of this command, which the supervisor goes on with where the configuration names them.
    static var environment: (String, JSONText) {
        ("environment", .object(ProcessInfo.processInfo.environment.map { ($0.key, .string($0.value)) }))
    }

    /// The run directory; ends the process where it is not known. `warns`: says where the file is another than what runs.
    func runDir(warns: Bool = true) -> String {
        orExit { () throws(StageFailure) in
            try AcceptedConfiguration.running(config) { if warns { StandardError.write("tributary: \($0)\n") } }.runDir
        }
    }

    /// Has it done, and prints what the supervisor says meanwhile; ends the process where that fails or none runs.
    @discardableResult
    func ask(
        _ command: String, _ arguments: [(String, JSONText)] = [], isSilent: Bool = false, warns: Bool = true
    ) -> JSONValue {
        if let answer = answer(to: command, arguments, isSilent: isSilent, warns: warns) { return answer }
        StageFailure(
            .notRunning, "no supervisor runs; 'scripts/supervisor up -d' starts one (and takes over what runs)."
        ).exit(as: "tributary")
    }

    /// The same; nil where no supervisor runs.
    func answer(
        to command: String, _ arguments: [(String, JSONText)], isSilent: Bool, warns: Bool
    ) -> JSONValue? {
        signal(SIGPIPE, SIG_IGN)
        do throws(StageFailure) {
            return try SupervisorClient(runDir: runDir(warns: warns)).ask(command, arguments) { line in
                // A reader who has gone (`| head`) ends the printing and not what is being done.
                if !isSilent { _ = FileDescriptorText.write(printable(line) + "\n", to: 1) }
            }
        } catch {
            let lines = error.sentence.split(separator: "\n").map { printable(String($0)) }
            StandardError.write("tributary: \(lines.joined(separator: "\n"))\n")
            error.status.exit()
        }
    }
}
