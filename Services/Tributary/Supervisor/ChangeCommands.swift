import ArgumentParser
import Executable
import Foundation
import Glibc
import JSON
import PipelineConfiguration
import StageMetrics
import Wire

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

    private static let limits = [Stage.ingressGateway, .verifier, .normaliser]
        .map { "\($0.shortName) 1 to \($0.mostInstances)" }.joined(separator: ", ")

    @Argument(help: ArgumentHelp("Of which stage: \(limits)."))
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
        let stage = orExit { () throws(StageFailure) in
            let routers = try AcceptedConfiguration.running(options.config) { _ in }.router.instances
            return try scalable(routers: routers)
        }
        let number = range.map { ("auto", JSONText.array($0.map(JSONText.number))) }
        options.ask(
            "scale", [("stage", .string(stage.rawValue)), number ?? ("count", .optional(count, JSONText.number))])
        if stage == .ingressGateway { waitForLeaving() }
    }

    /// An ingress that leaves empties its journal first; says what it still holds where that takes long.
    private func waitForLeaving() {
        let runDir = options.runDir(warns: false)
        let deadline = monotonicNanoseconds() + 30_000_000_000
        while true {
            let status = orExit { () throws(StageFailure) in try SupervisorClient(runDir: runDir).ask("status") }
            let leaving = (status?["instances"].elements ?? []).filter {
                $0["stage"].text == Stage.ingressGateway.rawValue
                    && StageRole.number(of: $0["instance"].text) >= count ?? 0
            }
            if leaving.isEmpty { return }
            guard monotonicNanoseconds() > deadline else {
                usleep(200_000)
                continue
            }
            for row in leaving {
                let records = CellText.number(InstanceReading(row, runDir: runDir).backlogRecords)
                let name = printable(row["instance"].text)
                StandardOutput.write("\(name) still holds \(records) records; it leaves when they are settled.\n")
            }
            return
        }
    }

    /// The stage, if it may have so many instances; each router has workers of its own.
    private func scalable(routers: Int) throws(StageFailure) -> Stage {
        guard let stage = Stage(named: stage) else {
            throw StageFailure(.usage, "there is no stage \"\(printable(stage))\"; a stage is one of \(Stage.names).")
        }
        if stage == .ingressConnector || stage == .fanoutRouter {
            let why =
                stage == .fanoutRouter
                ? "router.instances says how many there are, each with its own sources."
                : "set connector.instances, among which the connectors are divided, and reload."
            throw StageFailure(.usage, "\(stage.rawValue) cannot be scaled: \(why)")
        }
        let least = stage == .ingressGateway ? 1 : routers
        for count in range ?? [count ?? 0] where !(least...max(least, stage.mostInstances)).contains(count) {
            let why = count < least ? ": with fewer, webhooks would be held back." : "."
            throw StageFailure(
                .usage, "\(stage.rawValue) runs \(least) to \(stage.mostInstances) instances, not \(count)\(why)")
        }
        guard let range else { return stage }
        if range[0] > range[1] {
            throw StageFailure(.usage, "\(range[0])..\(range[1]) has more before the dots than behind.")
        }
        if stage == .ingressGateway {
            throw StageFailure(
                .usage, "\(stage.rawValue) does not follow the backlog; a verifier or normaliser does.")
        }
        return stage
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
        let stage = Stage(named: name)
        let path = binary.map { URL(filePath: $0).standardizedFileURL.path }
        if path != nil, stage == nil {
            StageFailure(.usage, "--binary is for all of a stage, not for \(printable(name)): \(Stage.names).")
                .exit(as: "tributary")
        }
        if let path, access(path, X_OK) != 0 {
            StageFailure(.usage, "\(printable(path)) cannot be executed; name the file that is to run as \(name).")
                .exit(as: "tributary")
        }
        let whole = stage?.rawValue ?? Stage.instance(named: name) ?? name
        options.ask("restart", [("name", .string(whole)), ("binary", .optional(path, JSONText.string))])
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
