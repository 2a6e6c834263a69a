import AdminServer
import ArgumentParser
import ControlAPI
import EventDelivery
import Executable
import Glibc
import Logging
import PipelineConfiguration
import StageMetrics
import StageProcess
import Threads

/// The last stage: writes canonical events into the event log and delivers them to the subscribers.
@main
struct FanoutRouter: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fanout-router", abstract: "Logs canonical events and delivers them to subscribers.",
        discussion: StageOptions.examples(.fanoutRouter), version: TributaryVersion.current)

    @OptionGroup var options: StageOptions

    func run() {
        let environment = StageEnvironment.prepare(.fanoutRouter, options)
        do {
            let lock = try environment.lockEventLog()
            let stage = try RouterStage(
                environment, others: { PipelineReports.instances(environment.runDirectory, $0) },
                export: try TraceCollector.export(environment), failed: { environment.end($0) })
            var settings = environment.configuration.router
            settings.listen = environment.own(settings.listen)
            let tokens = try ControlServer.tokens(settings)
            let dispatcher = APIDispatcher(
                RouterAPI(stage, tokens: tokens), registry: environment.registry, logger: environment.logger)
            let control = try ControlServer.start(
                settings, tokens: tokens, dispatcher: dispatcher, push: PushService(stage),
                streamPath: environment.socketPath("stream"), registry: environment.registry, logger: environment.logger
            )
            let admin = try AdminEndpoint(
                socketPath: environment.socketPath("admin"), metricsListen: environment.metricsListen,
                registry: environment.registry,
                readiness: { stage.readiness() + control.readiness() },
                routes: [dispatcher.adminRoute, stage.configuration.route])
            stage.start()
            Signals.start(
                terminate: {
                    OrderlyEnd.begin(environment.logger)
                    control.stop()
                    stage.stop()
                    admin.close()
                    withExtendedLifetime(lock) {}
                    Glibc.exit(ExitStatus.success.rawValue)
                }, reload: { stage.reload { router throws(StageFailure) in try control.reload(router) } })
            for warning in environment.configuration.router.warnings { environment.logger.warning("\(warning)") }
            environment.hasStarted("ready")
            while true { pause() }
        } catch {
            environment.end(error)
        }
    }
}
