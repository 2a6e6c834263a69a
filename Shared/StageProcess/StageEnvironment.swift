package import Executable
import Glibc
import HTTPFront
package import Logging
package import PipelineConfiguration
package import StageMetrics
package import Threads
import Wire

/// What every stage starts from: its configuration, its name, its metrics, its log and its lock.
package struct StageEnvironment: Sendable {
    package let stage: Stage
    package let configuration: TributaryConfiguration
    package let instance: String
    package let registry: MetricRegistry
    package let logger: Logger
    /// Held until the process ends.
    let lock: ProcessLock

    /// The 0700 directory of sockets.
    package var runDirectory: String { configuration.runDir }

    /// `run_dir/<instance>.<suffix>`: `out`, `control`, `tap` or `admin`.
    package func socketPath(_ suffix: String) -> String {
        "\(configuration.runDir)/\(instance).\(suffix)"
    }

    /// Prepares the process of a stage and returns, or ends the process: with 0 after `--check`, otherwise with the
    /// status and sentence of what is wrong. Call it first in `main`: it blocks the signals that `Signals` waits for,
    /// and threads inherit that only if they are started later.
    package static func prepare(_ stage: Stage, _ options: StageOptions) -> StageEnvironment {
        do {
            let environment = try open(stage, options)
            Signals.block()
            return environment
        } catch {
            let instance = options.instance ?? "\(stage.rawValue)-0"
            // A check is asked for by people, a start belongs into the log.
            if options.check { error.exit(as: instance) }
            error.log(as: LogLines(level: .critical, stage: stage.rawValue, instance: instance))
            error.status.exit()
        }
    }

    /// Says why the stage cannot go on, as lines of its log, and ends the process.
    package func end(_ failure: StageFailure) -> Never {
        failure.log(as: LogLines(level: .critical, stage: stage.rawValue, instance: instance))
        failure.status.exit()
    }

    /// The same without ending the process on failure, and without touching its signals; `--check` still exits.
    static func open(_ stage: Stage, _ options: StageOptions) throws(StageFailure) -> StageEnvironment {
        let instance = options.instance ?? "\(stage.rawValue)-0"
        guard isInstanceName(instance) else {
            throw StageFailure(.usage, "--instance must be 1 to 63 characters a-z, 0-9 and -, not \"\(instance)\"")
        }
        let configuration = try TributaryConfiguration.loadForProcess(options.config)
        guard let level = Logger.Level(rawValue: options.logLevel ?? configuration.logLevel.rawValue) else {
            throw StageFailure(.usage, "--log-level must be one of \(Logger.Level.allCases.map(\.rawValue))")
        }
        if options.check {
            print("OK: \(configuration.file) has no errors")
            exit(ExitStatus.success.rawValue)
        }
        // Whatever this process creates is nobody else's business.
        umask(0o077)
        // Whom a provider waits for comes first: they wait for disk and links most of the time, and soon do so again.
        if stage != .ingressGateway && stage != .verifier { Scheduling.becomePatient() }
        ProcessMemory.boundHeap()
        ProcessMemory.forbidDumps()
        DescriptorLimit.raise()
        // A subscriber or client that goes away is an error of a write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        try PrivateDirectory.create(configuration.runDir)
        // A group's members reach each other's sockets; other files say themselves that they are their owner's alone.
        if PrivateDirectory.isShared(configuration.runDir) { umask(0o007) }
        let lock = try lockInstance(instance, "\(configuration.runDir)/\(instance).lock")
        let logger = Logger(label: instance) { _ in
            LogLines(level: level, stage: stage.rawValue, instance: instance)
        }
        for warning in configuration.exposedSecrets(of: [stage]) { logger.warning("\(warning)") }
        let registry = MetricRegistry(stage: stage.rawValue, instance: instance, version: TributaryVersion.current)
        return StageEnvironment(
            stage: stage, configuration: configuration, instance: instance, registry: registry, logger: logger,
            lock: lock)
    }

    /// Keeps the instance from running twice. Throws `temporary` at once when another process holds the lock.
    private static func lockInstance(_ instance: String, _ path: String) throws(StageFailure) -> ProcessLock {
        do throws(ProcessLock.Failure) {
            return try ProcessLock(file: path)
        } catch {
            switch error {
            case .held:
                throw StageFailure(
                    .temporary,
                    "\(instance) runs already: another process holds \(path); stop it or use another --instance")
            case .refused(let code):
                throw StageFailure(.io, "\(path) cannot be locked: \(String(cString: strerror(code)))")
            }
        }
    }

    /// Creates (0700) and returns `data_dir/<instance>`.
    package func makeDataDirectory() throws(StageFailure) -> String {
        let path = "\(configuration.dataDir)/\(instance)"
        try PrivateDirectory.create(path)
        return path
    }

    /// Keeps a second router away from the event log for as long as the lock lives: with a `run_dir` of its own it would
    /// get the instance's lock, and SQLite lets two processes write in turn. (A journal locks its folder itself.)
    package func lockEventLog() throws(StageFailure) -> ProcessLock {
        let path = try makeDataDirectory()
        do throws(ProcessLock.Failure) {
            return try ProcessLock(folder: path)
        } catch {
            switch error {
            case .held:
                throw StageFailure(
                    .temporary,
                    "event_log_locked: the event log in \(path) is in use by another router; give every pipeline its own "
                        + "data_dir, or stop the other one first")
            case .refused(let code):
                throw StageFailure(.io, "\(path) cannot be locked: \(String(cString: strerror(code)))")
            }
        }
    }

    /// Reads a secret; the failure names the stage, the key and the place. What is probably not what was meant is said in
    /// the log.
    package func resolve(_ reference: SecretReference) throws(StageFailure) -> [UInt8] {
        do {
            let value = try reference.resolve()
            if let warning = reference.warning(about: value) { logger.warning("\(warning)") }
            return value
        } catch {
            throw StageFailure(.configuration, "\(stage.rawValue) needs a secret: \(error.sentence)")
        }
    }

    /// Says that the stage has started, and gives back what only that needed.
    package func hasStarted(_ notice: Logger.Message, metadata: Logger.Metadata = [:]) {
        ProcessMemory.giveBackProgram()
        logger.notice(notice, metadata: metadata)
    }

    /// Where this instance serves its metrics over TCP.
    package var metricsListen: ListenAddress? {
        configuration.metricsListen(of: stage, instance)
            .map { ListenAddress(host: $0.host, port: min(65535, $0.port)) }
    }

    /// Which instance of its stage it is.
    package var number: Int { StageRole.number(of: instance) }

    /// Where this instance listens whose stage has `base`: instance n listens n ports above.
    package func own(_ base: ListenAddress?) -> ListenAddress? {
        base.map { ListenAddress(host: $0.host, port: min(65535, $0.port + number)) }
    }

    private static func isInstanceName(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
    }
}
