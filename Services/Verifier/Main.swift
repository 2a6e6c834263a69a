import ArgumentParser
import Bus
import Logging
import Providers
import StageRuntime
import Wire

/// Proves where webhooks come from. The only process that can read the providers' secrets.
@main
struct VerifierProcess: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verifier", abstract: "Verifies webhooks with the providers' secrets.",
        discussion: StageOptions.examples(.verifier))

    @OptionGroup var options: StageOptions

    func run() {
        let environment = StageEnvironment.prepare(.verifier, options)
        do throws(StageFailure) {
            try serve(environment)
        } catch {
            error.exit(as: environment.instance)
        }
    }

    private func serve(_ environment: StageEnvironment) throws(StageFailure) {
        let verifications = try SourceVerification.resolveAll(environment)
        for notice in SourceNotices.of(environment.configuration.sources, verifications) {
            environment.logger.log(level: notice.isWarning ? .warning : .notice, "\(notice.sentence)")
        }
        let shelf = KeyShelf(verifications)
        let maxBodyBytes = environment.configuration.ingress.maxBodyBytes
        let bus = WorkerBus(
            settings: WorkerSettings(
                role: .verifier, runDirectory: environment.runDirectory, instance: environment.instance,
                maxBodyBytes: maxBodyBytes), metrics: environment.registry)
        bus.start { VerifierWork(shelf, environment, maxInflatedBytes: 2 * maxBodyBytes) }
        let admin = try AdminEndpoint(
            socketPath: environment.socketPath("admin"), metricsListen: environment.metricsListen,
            registry: environment.registry,
            readiness: {
                [HealthCheck(name: "bus", ok: true, detail: "\(bus.linkedUpstreams) ingress gateways linked")]
            })
        environment.logger.notice("verifying")
        Signals.waitForEnd {
            do throws(StageFailure) {
                shelf.replace(try SourceVerification.resolveAll(environment))
                environment.logger.notice("secrets read again")
            } catch {
                environment.logger.error("secrets kept as they were: \(error.sentence)")
            }
        }
        bus.stop()
        admin.close()
        environment.logger.notice("stopped")
    }
}
