import AdminServer
import ArgumentParser
import Executable
import Logging
import PipelineConfiguration
import StageProcess
import Threads
import WebhookIntake

/// Fetches webhooks that do not come by themselves: out of queues, and from servers that notify over WebSockets. Beside the
/// router it is the only stage that opens connections outward, and it holds the secrets for them; nothing can connect to it.
@main
struct IngressConnector: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingress-connector", abstract: "Fetches webhooks, journals them and passes them on.",
        discussion: StageOptions.examples(.ingressConnector), version: TributaryVersion.current)

    @OptionGroup var options: StageOptions

    func run() {
        StageEnvironment.prepare(.ingressConnector, options).withJournal(serve)
    }

    private func serve(_ environment: StageEnvironment) throws {
        let reloadable = ReloadableConfiguration(environment)
        let ended = Promise<Void>()
        let stage = try ConnectorStage(environment, folder: try environment.makeDataDirectory()) {
            ended.give(.failure($0))
        }
        let admin = try AdminEndpoint(
            socketPath: environment.socketPath("admin"), metricsListen: environment.metricsListen,
            registry: environment.registry, readiness: { stage.checks }, routes: [reloadable.route])
        let number = environment.number
        let own = environment.configuration.connectors(of: number)
        try stage.apply(own)
        environment.hasStarted("fetching", metadata: ["connectors": "\(own.count)"])
        Signals.start(
            terminate: { ended.give(.success(())) },
            reload: {
                reloadable.reload { fresh, _ throws(StageFailure) in try stage.apply(fresh.connectors(of: number)) }
            })
        let end = ended.wait()
        OrderlyEnd.begin(environment.logger)
        stage.stop()
        admin.close()
        try end.get()
        environment.logger.notice("stopped")
    }
}
