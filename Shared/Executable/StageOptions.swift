package import ArgumentParser
import Glibc

/// The options that every stage has.
package struct StageOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("The configuration file; TRIBUTARY_CONFIG when left out.", valueName: "file"))
    package var config = StageOptions.defaultConfiguration

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The name of this instance; the default is the stage's name followed by -0.", valueName: "name"))
    package var instance: String?

    @Flag(name: .long, help: "Check the configuration, print OK or every error, and exit.")
    package var check = false

    @Option(
        name: .long,
        help: "trace, debug, info, notice, warning, error or critical; the configuration's log_level when left out.")
    package var logLevel: String?

    package init() {}

    /// Where the configuration is when no option says it: what `TRIBUTARY_CONFIG` names, the one of the sources, or where
    /// those are not, the one that the package installed.
    package static let defaultConfiguration: String = {
        if let named = getenv("TRIBUTARY_CONFIG"), named.pointee != 0 { return String(cString: named) }
        let (ofSources, installed) = ("compose/tributary.yaml", "/etc/tributary/tributary.yaml")
        return access(ofSources, F_OK) != 0 && access(installed, F_OK) == 0 ? installed : ofSources
    }()

    /// The text for the end of a stage's `--help`.
    package static func examples(_ stage: Stage) -> String {
        """
        Examples:
          \(stage.rawValue)
          \(stage.rawValue) --config /etc/tributary.yaml --instance \(stage.rawValue)-1
          \(stage.rawValue) --config /etc/tributary.yaml --check

        SIGTERM ends the stage in order; SIGHUP reads the configuration and its
        file: secrets again.
        Exit codes: 64 wrong usage, 74 input or output failed, 75 the instance runs
        already, 78 wrong configuration.
        """
    }
}
