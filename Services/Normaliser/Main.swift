import AdminServer
import ArgumentParser
import Bus
import Executable
import Logging
import PipelineConfiguration
import StageProcess
import Threads
import Wire

/// Turns verified webhooks into canonical events. Knows no secrets and keeps nothing, so any number of it may run.
@main
struct NormaliserProcess: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "normaliser", abstract: "Turns webhooks into canonical events.",
        discussion: StageOptions.examples(.normaliser), version: TributaryVersion.current)

    @OptionGroup var options: StageOptions

    func run() {
        let environment = StageEnvironment.prepare(.normaliser, options)
        do throws(StageFailure) {
            try serve(environment)
        } catch {
            environment.end(error)
        }
    }

    private func serve(_ environment: StageEnvironment) throws(StageFailure) {
        let box = VersionedBox(environment.configuration.sources)
        let reloadable = ReloadableConfiguration(environment)
        let bus = WorkerBus(
            settings: WorkerSettings(
                role: .normaliser, runDirectory: try environment.busDirectory(), instance: environment.instance,
                maxBodyBytes: environment.configuration.ingress.maxBodyBytes), metrics: environment.registry,
            refusals: environment.linkRefusals)
        bus.start { NormaliserWork(box, environment.registry) }
        let admin = try AdminEndpoint(
            socketPath: environment.socketPath("admin"), metricsListen: environment.metricsListen,
            registry: environment.registry,
            readiness: { [bus.refusals.check(linked: "\(bus.linkedUpstreams) verifiers linked")] },
            routes: [reloadable.route])
        environment.hasStarted("normalising")
        Signals.waitForEnd {
            reloadable.reload { fresh, _ in box.replace(fresh.sources) }
        }
        OrderlyEnd.begin(environment.logger)
        bus.stop()
        admin.close()
        environment.logger.notice("stopped")
    }
}
