import AdminServer
import ArgumentParser
import Bus
import Executable
import Logging
import PipelineConfiguration
import StageProcess
import Threads
import VerificationSchemes
import Wire

/// Proves where webhooks come from. The only process that can read the providers' secrets.
@main
struct VerifierProcess: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verifier", abstract: "Verifies webhooks with the providers' secrets.",
        discussion: StageOptions.examples(.verifier), version: TributaryVersion.current)

    @OptionGroup var options: StageOptions

    func run() {
        let environment = StageEnvironment.prepare(.verifier, options)
        do throws(StageFailure) {
            try serve(environment)
        } catch {
            environment.end(error)
        }
    }

    private func serve(_ environment: StageEnvironment) throws(StageFailure) {
        let verifications = try SourceVerification.resolveAll(environment.configuration, environment)
        let sources = environment.configuration.sources
        say(SourceNotices.of(sources, verifications), environment)
        let box = VersionedBox(verifications)
        let reloadable = ReloadableConfiguration(environment)
        let maxBodyBytes = environment.configuration.ingress.maxBodyBytes
        let rehearsals = Rehearsal(box, maxBodyBytes: maxBodyBytes)
        let bus = WorkerBus(
            settings: WorkerSettings(
                role: .verifier, runDirectory: try environment.busDirectory(), instance: environment.instance,
                maxBodyBytes: maxBodyBytes), metrics: environment.registry,
            refusals: environment.linkRefusals)
        bus.start { VerifierWork(box, environment.registry, maxInflatedBytes: 2 * maxBodyBytes) }
        let admin = try AdminEndpoint(
            socketPath: environment.socketPath("admin"), metricsListen: environment.metricsListen,
            registry: environment.registry,
            readiness: { [bus.refusals.check(linked: "\(bus.linkedUpstreams) ingress gateways linked")] },
            routes: [reloadable.route, rehearsals.route])
        environment.hasStarted("verifying")
        Signals.waitForEnd {
            reloadable.reload { fresh, _ throws(StageFailure) in
                let former = SourceNotices.of(reloadable.current.sources, box.current.value)
                let verifications = try SourceVerification.resolveAll(fresh, environment)
                box.replace(verifications)
                rehearsals.reload()
                say(SourceNotices.of(fresh.sources, verifications).filter { !former.contains($0) }, environment)
            }
        }
        OrderlyEnd.begin(environment.logger)
        bus.stop()
        admin.close()
        environment.logger.notice("stopped")
    }

    private func say(_ notices: [SourceNotices.Notice], _ environment: StageEnvironment) {
        for notice in notices {
            environment.logger.log(level: notice.isWarning ? .warning : .notice, "\(notice.sentence)")
        }
    }
}
