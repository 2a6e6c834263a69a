package import AdminServer
package import Executable
import JSON
package import Logging
package import PipelineConfiguration
import Primitives
import StageMetrics
import Synchronization

/// The configuration that a stage runs by, and how another takes its place while it runs: SIGHUP makes the stage read the
/// file again, whole and validated; what the stage cannot take over in place waits for its next start, and is said.
///
/// The admin socket answers `GET /configuration`, so that whoever reloads sees which version runs:
/// `{"file", "fingerprint", "loaded", "reloads", "error", "needs_restart", "secrets_changed"}`. `reloads` goes up with every
/// attempt; `error` says why the latest changed nothing, and is null when it was taken; `secrets_changed` names the secrets
/// that the latest found to be others behind the same reference.
package final class ReloadableConfiguration: Sendable {
    private struct State {
        var current: TributaryConfiguration
        var loadedAtNanoseconds: Int64
        var reloads = 0
        var error: String?
        var needsRestart: [String] = []
        var secrets: SecretMarks
        var secretsChanged: [String] = []
    }

    private let stage: Stage
    private let started: TributaryConfiguration
    private let logger: Logger
    private let state: Mutex<State>

    package convenience init(_ environment: StageEnvironment) {
        self.init(environment.configuration, of: environment.stage, logger: environment.logger)
    }

    package init(_ configuration: TributaryConfiguration, of stage: Stage, logger: Logger) {
        self.stage = stage
        self.logger = logger
        started = configuration
        state = Mutex(
            State(
                current: configuration, loadedAtNanoseconds: wallNanoseconds(),
                secrets: SecretMarks(configuration, of: stage)))
    }

    /// What runs, but for what waits for a restart.
    package var current: TributaryConfiguration { state.withLock { $0.current } }

    /// Reads the file again and hands it to `apply`, with what changed for this stage and counts in place; that may be
    /// nothing, while a secret in a file is another. What `apply` throws, like an error in the file, leaves everything as
    /// it was, so it must not take over one part before it has made sure of all. One thread at a time, that of the
    /// signals.
    package func reload(
        _ apply: (TributaryConfiguration, [ConfigurationChange]) throws(StageFailure) -> Void
    ) {
        let former = current
        do throws(StageFailure) {
            let fresh = try TributaryConfiguration.loadForProcess(former.file)
            let changes = ConfigurationChange.between(former, fresh).filter { $0.stages.contains(stage) }
            let waiting = ConfigurationChange.between(started, fresh).filter {
                $0.stages.contains(stage) && [.restart, .pipeline].contains($0.effect)
            }
            let secrets = SecretMarks(fresh, of: stage)
            try apply(fresh, changes.filter { $0.effect == .inPlace })
            let secretsChanged = state.withLock {
                $0.secretsChanged = secrets.changed(since: $0.secrets)
                $0.secrets = secrets
                $0.current = fresh
                $0.loadedAtNanoseconds = wallNanoseconds()
                $0.reloads += 1
                $0.error = nil
                $0.needsRestart = waiting.map(\.sentence)
                return $0.secretsChanged
            }
            for change in changes {
                let end = [.restart, .pipeline].contains(change.effect) ? "; counts from the next start" : ""
                logger.notice("\(change)\(end)")
            }
            for warning in fresh.exposedSecrets(of: [stage]) { logger.warning("\(warning)") }
            for secret in secretsChanged { logger.notice("\(secret) is another") }
            logger.notice(
                "configuration and secrets read again",
                metadata: [
                    "fingerprint": "\(fresh.fingerprint)", "changes": "\(changes.count)",
                    "secrets_changed": "\(secretsChanged.count)",
                ])
        } catch {
            state.withLock {
                $0.reloads += 1
                $0.error = error.sentence
            }
            for line in error.sentence.split(separator: "\n") {
                logger.error("configuration kept as it was: \(line)")
            }
        }
    }

    /// For the admin socket.
    package var route: AdminRoute {
        AdminRoute(method: "GET", pathPrefix: "/configuration") { [self] _ in .json(200, json) }
    }

    private var json: JSONText {
        let now = state.withLock { $0 }
        return .object([
            "file": .string(now.current.file), "fingerprint": .string(now.current.fingerprint),
            "loaded": .string(RFC3339.text(now.loadedAtNanoseconds, digits: 6)), "reloads": .number(now.reloads),
            "error": .optional(now.error, JSONText.string),
            "needs_restart": .array(now.needsRestart.map(JSONText.string)),
            "secrets_changed": .array(now.secretsChanged.map(JSONText.string)),
        ])
    }
}
