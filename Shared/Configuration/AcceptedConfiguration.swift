package import Executable

/// The configuration that a pipeline was started with or took over last, as its supervisor keeps it beside the sockets.
/// The file that it came from may have been edited since.
package enum AcceptedConfiguration {
    package static func path(in runDir: String) -> String { "\(runDir)/accepted.yaml" }

    /// What runs, for commands that only look at it: the accepted configuration where one is kept, otherwise the one in
    /// `file`. `warn` gets one sentence where the file says something else or is wrong.
    package static func running(
        _ file: String, warn: (String) -> Void
    ) throws(StageFailure) -> TributaryConfiguration {
        let fresh = result(of: file)
        guard let runDir = (try? fresh.get())?.runDir ?? TributaryConfiguration.runDir(namedIn: file),
            let accepted = try? TributaryConfiguration.load(path(in: runDir), standingFor: file)
        else { return try orThrow(fresh) }
        switch fresh {
        case .success(let fresh):
            if fresh.fingerprint == accepted.fingerprint { return fresh }
            let count = ConfigurationChange.between(accepted, fresh).count
            if count > 0 {
                warn(
                    "warning: \(file) differs from what runs in \(count) place\(count == 1 ? "" : "s"), and what runs is "
                        + "asked; `tributary check --running` says how, `scripts/supervisor reload` takes it over")
            }
        case .failure(let errors):
            let count = errors.errors.count
            warn(
                "warning: \(file) has \(count) error\(count == 1 ? "" : "s"), so what runs is asked as it was accepted; "
                    + "`tributary check` says which")
        }
        return accepted
    }

    /// The same; fails with 77 where this user may not use the run directory. That it is not there is no matter of
    /// permission.
    package static func usable(
        _ file: String, warn: (String) -> Void
    ) throws(StageFailure) -> TributaryConfiguration {
        let configuration = try running(file, warn: warn)
        do throws(StageFailure) {
            try FileAccess.check(configuration.runDir)
        } catch {
            if error.status != .unavailable { throw error }
        }
        return configuration
    }

    private static func result(of file: String) -> Result<TributaryConfiguration, ConfigurationErrors> {
        do throws(ConfigurationErrors) {
            return .success(try TributaryConfiguration.load(file))
        } catch {
            return .failure(error)
        }
    }

    private static func orThrow(
        _ result: Result<TributaryConfiguration, ConfigurationErrors>
    ) throws(StageFailure) -> TributaryConfiguration {
        switch result {
        case .success(let configuration): return configuration
        case .failure(let errors): throw StageFailure(.configuration, errors.description)
        }
    }
}
