import ArgumentParser
import Executable
import Foundation
import JSON

struct ScaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "Runs so many instances of a stage.",
        discussion: """
            Examples:
              tributary scale normaliser 4
              tributary scale normaliser --auto 1..8
                  as many as the backlog needs; 'scale normaliser 4' ends that

            The number counts until 'down' or a reload that changes it. With --auto it
            follows the age of the oldest webhook that is not settled: twice as many where
            that stays above 2.5 s and none of them is idle, one less after 60 quiet
            seconds.
            """)

    @OptionGroup var options: SupervisorOptions

    @Argument(help: "Of which stage: ingress 1 to 16, verifier 1 to 64, normaliser 1 to 64.")
    var stage: String

    @Argument(help: "How many.")
    var count: Int?

    @Option(help: ArgumentHelp("A verifier or normaliser: between these.", valueName: "min..max"))
    var auto: String?

    private var range: [Int]? {
        let bounds = auto?.split(separator: "..").compactMap { Int($0) }
        return bounds?.count == 2 ? bounds : nil
    }

    func validate() throws {
        guard (count == nil) != (auto == nil), (auto == nil) == (range == nil) else {
            throw ValidationError(
                "scale takes a number or --auto MIN..MAX: 'scale normaliser 4', 'scale normaliser --auto 1..8'.")
        }
    }

    func run() {
        let number = range.map { ("auto", JSONText.array($0.map(JSONText.number))) }
        options.ask("scale", [("stage", .string(stage)), number ?? ("count", .optional(count, JSONText.number))])
    }
}

struct RestartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Replaces the processes of a stage one after the other, or one instance.",
        discussion: """
            Examples:
              tributary restart router
              tributary restart normaliser-1
              tributary restart verifier --binary ./verifier
                  by another executable; the former comes back if one is not ready

            They run by the accepted configuration.
            """)

    @OptionGroup var options: SupervisorOptions

    @Argument(help: "A stage or an instance, like router or normaliser-1.")
    var name: String

    @Option(
        help: ArgumentHelp(
            "What the stage runs by from now on, until 'down'; where an instance does not become ready with it, all go "
                + "back to the former.", valueName: "path"))
    var binary: String?

    func run() {
        let path = binary.map { URL(filePath: $0).standardizedFileURL.path }
        options.ask("restart", [("name", .string(name)), ("binary", .optional(path, JSONText.string))])
    }
}

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Checks the configuration, says what changes, and lets every stage run by it.",
        discussion: """
            Examples:
              tributary reload
              tributary reload --json
                  changes, and what became of every instance

            In place where it can be, otherwise by a restart, one instance after the other.
            The values of the variables that it names are those of this environment.
            """)

    @OptionGroup var options: SupervisorOptions

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() {
        let answer = options.ask("reload", [SupervisorOptions.environment], isSilent: json, warns: false)
        if json { StandardOutput.write(answer.indented() + "\n") }
        if answer["ok"] != .bool(true) { ExitStatus.failure.exit() }
    }
}
