import AdminServer
import ArgumentParser
import Bus
import Executable
import Logging
import PipelineConfiguration
import StageProcess
import Threads
import WebhookIntake

/// The front door of Tributary: takes providers' webhooks in over HTTP, makes them durable, and passes them on.
@main
struct IngressGateway: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingress-gateway", abstract: "Takes webhooks in, journals them and passes them on.",
        discussion: StageOptions.examples(.ingressGateway), version: TributaryVersion.current)

    @OptionGroup var options: StageOptions

    @Flag(help: "Settle what the journal holds, and end: with 0 where nothing is left.")
    var retire = false

    func run() {
        StageEnvironment.prepare(.ingressGateway, options).withJournal(serve)
    }

    private func serve(_ environment: StageEnvironment) throws {
        let folder = try environment.makeDataDirectory()
        let retirement = Retirement(folder: folder)
        if let notice = try environment.configuration.ingress.descriptorNotice() {
            environment.logger.warning("\(notice)")
        }
        let settings = IngressSettings(environment)
        let reloadable = ReloadableConfiguration(environment)
        let ended = Promise<Void>()
        let ingress = try Ingress<IngressBus>.start(settings, environment, folder: folder) {
            ended.give(.failure($0))
        }
        let admin = try AdminEndpoint(
            socketPath: environment.socketPath("admin"), metricsListen: environment.metricsListen,
            registry: environment.registry, readiness: { ingress.checks },
            routes: [ingress.reprocessIntake.route, reloadable.route])
        Signals.start(
            terminate: { ended.give(.success(())) },
            reload: {
                reloadable.reload { fresh, _ throws(StageFailure) in
                    try ingress.take(IngressSettings(fresh, instance: environment.instance, socket: settings.socket))
                }
            })
        environment.hasStarted("taking webhooks in", metadata: ["port": "\(ingress.port)"])
        let journals = ingress.running.map(\.partition.intake)
        if retire { Retirement.await(journals) { ended.give(.success(())) } }
        let end = ended.wait()
        OrderlyEnd.begin(environment.logger)
        environment.logger.notice("stopping: finishing open requests")
        try ingress.stop()
        admin.close()
        try end.get()
        if retire, !retirement.mark(journals) { ExitStatus.failure.exit() }
        environment.logger.notice("stopped")
    }
}
