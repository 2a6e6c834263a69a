import ArgumentParser
import Executable
import Glibc
import JSON
import PipelineConfiguration
import StageMetrics

/// What the supervisor asks: what is to run on this host by a configuration, and how that differs from another version.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "plan", shouldDisplay: false)

    @Option var config: String

    /// Plans what the pipeline has accepted, whatever the file says by now.
    @Flag var running = false

    /// The version that runs; what no reload can change is an error then.
    @Option var since: String?

    func run() {
        do throws(StageFailure) {
            let configuration =
                running
                ? try AcceptedConfiguration.usable(config) { StandardError.write("tributary: \($0)\n") }
                : try TributaryConfiguration.loadForProcess(config)
            print(try plan(configuration).text)
        } catch {
            StandardError.write(error.sentence + "\n")
            error.status.exit()
        }
    }

    private func plan(_ configuration: TributaryConfiguration) throws(StageFailure) -> JSONText {
        if configuration.topology != nil {
            throw StageFailure(
                .configuration,
                "\(configuration.file) places instances on several hosts (topology); start each where it belongs, by its "
                    + "unit or by hand: this supervisor runs pipelines of one host.")
        }
        let changes = try since.map { copy throws(StageFailure) in try self.changes(configuration, since: copy) }
        let environment = Stage.allCases.map { stage in
            (stage.rawValue, JSONText.array(configuration.environmentVariables(of: stage).map(JSONText.string)))
        }
        return .object([
            "run_dir": .string(configuration.runDir), "data_dir": .string(configuration.dataDir),
            "listen": .string("\(configuration.ingress.listen)"),
            "scheme": .string(configuration.ingress.tls == nil ? "http" : "https"),
            "instances": .object(Self.instances(configuration).map { ($0.rawValue, .number($1)) }),
            "environment": .object(environment), "fingerprint": .string(configuration.fingerprint),
            "changes": .optional(changes) { .array($0.map(CheckCommand.json)) },
        ])
    }

    /// How many there are of each stage. Those of connectors come with the first of these, and stay for their journals.
    private static func instances(_ configuration: TributaryConfiguration) -> [(Stage, Int)] {
        let journals = (0..<Stage.ingressConnector.mostInstances).filter {
            access("\(configuration.dataDir)/\(Stage.ingressConnector.rawValue)-\($0)", F_OK) == 0
        }
        let wanted = configuration.connectors.isEmpty ? 0 : configuration.connector.instances
        let connectors = max(wanted, (journals.last ?? -1) + 1)
        return [
            (.ingressGateway, configuration.ingress.instances), (.ingressConnector, connectors),
            (.verifier, configuration.verifier.instances), (.normaliser, configuration.normaliser.instances),
            (.fanoutRouter, configuration.router.instances),
        ]
    }

    private func changes(
        _ configuration: TributaryConfiguration, since copy: String
    ) throws(StageFailure) -> [ConfigurationChange] {
        let wrong = configuration.findings(nowNanoseconds: wallNanoseconds(), secretsMustResolve: false)
            .filter { $0.severity == .error }
        guard wrong.isEmpty else { throw StageFailure(.configuration, wrong.map(\.text).joined(separator: "\n")) }
        let former: TributaryConfiguration
        do {
            former = try TributaryConfiguration.load(copy, standingFor: config)
        } catch {
            throw StageFailure(.configuration, error.description)
        }
        let changes = ConfigurationChange.between(former, configuration)
        if let change = changes.first(where: { $0.effect == .pipeline }) {
            throw StageFailure(.configuration, "\(change): that takes 'scripts/supervisor down' and 'up'.")
        }
        return changes
    }
}
