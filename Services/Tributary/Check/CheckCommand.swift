import ArgumentParser
import Executable
import JSON
import PipelineConfiguration
import Primitives
import StageMetrics
import VerificationSchemes

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks the configuration and prints every error at once, with file, line and key.",
        discussion: """
            Examples:
              tributary check
              tributary check --secrets
                  before a start, with its environment
              tributary check --running                 what is not taken over yet?
              tributary check --config /etc/tributary.yaml --json
              tributary check --since /backup/tributary.yaml

            Looks at the file, at the directories that it names, and at the secrets as they
            are in this command's environment and in files; no secret is shown. A secret
            that is missing is a warning, with --secrets an error.

            Exit codes: 0 no errors (there may be warnings), 1 with --running where the
            file differs from what runs, 69 with --running where nothing is known to run,
            78 errors.
            """)

    @OptionGroup var options: CommandOptions

    @Option(
        help: ArgumentHelp(
            "Say, too, what differs from an earlier version of the file, and what a reload does about it.",
            valueName: "copy"))
    var since: String?

    @Flag(help: "Say, too, what differs from what runs: the configuration that the pipeline has accepted.")
    var running = false

    @Flag(help: "Every secret must be there and be usable, as at a start of the stages.")
    var secrets = false

    func validate() throws {
        guard since == nil || !running else { throw ValidationError("--since and --running exclude one another") }
    }

    func run() {
        do {
            let configuration = try TributaryConfiguration.load(options.config)
            let findings = configuration.findings(
                nowNanoseconds: wallNanoseconds(), secretsMustResolve: secrets)
            let changes = try former(configuration).map { copy throws(ConfigurationErrors) in
                let former = try TributaryConfiguration.load(copy, standingFor: options.config)
                return ConfigurationChange.between(former, configuration)
            }
            let hasErrors = findings.contains { $0.severity == .error }
            if options.json {
                print(Self.json(configuration, findings, changes, file: options.config))
            } else {
                say(configuration, findings, changes)
            }
            if hasErrors { ExitStatus.configuration.exit() }
            if running, changes?.isEmpty == false { ExitStatus.failure.exit() }
        } catch {
            if options.json {
                print(Self.json(error))
            } else {
                StandardError.write(error.description + "\n")
                sayCount(error.errors.count)
            }
            ExitStatus.configuration.exit()
        }
    }

    /// The earlier version that is compared with; nil where none is asked for.
    private func former(_ configuration: TributaryConfiguration) -> String? {
        guard running else { return since }
        let accepted = AcceptedConfiguration.path(in: configuration.runDir)
        do throws(StageFailure) {
            try FileAccess.check(accepted)
            return accepted
        } catch {
            let hint = error.status == .unavailable ? "; scripts/supervisor up keeps it there" : ""
            StageFailure(error.status, "what runs is not known: \(error.sentence)\(hint)").exit(as: "tributary")
        }
    }

    private func say(
        _ configuration: TributaryConfiguration, _ findings: [Finding], _ changes: [ConfigurationChange]?
    ) {
        let errors = findings.filter { $0.severity == .error }
        if errors.isEmpty {
            print(Self.text(configuration, file: options.config))
            if secrets { print("secrets: every one is there") }
        }
        for finding in findings where finding.severity == .warning { print(printable("warning: \(finding.text)")) }
        for change in changes ?? [] { print("changed: \(change) (\(Self.meaning(change)))") }
        if running, changes?.isEmpty == true { print("what runs has this configuration") }
        if errors.isEmpty { return }
        StandardError.write(errors.map { printable("error: \($0.text)") + "\n" }.joined())
        sayCount(errors.count)
    }

    private func sayCount(_ count: Int) {
        StandardError.write("tributary: \(count) error\(count == 1 ? "" : "s") in \(options.config)\n")
    }

    /// Every source with its provider and what proves its webhooks, then the subscriptions.
    static func text(_ configuration: TributaryConfiguration, file: String) -> String {
        let subscriptions = configuration.subscriptions.map(\.name).joined(separator: ", ")
        var lines = ["OK: \(file) has no errors"]
        if configuration.sources.isEmpty {
            lines.append("sources: none")
        } else {
            var table = Table(["source", "provider", "verified by", "keys"])
            for source in configuration.sources {
                table.add([source.name, source.provider, source.schemeText, keys(source.secrets + source.pathTokens)])
            }
            lines.append(table.text)
        }
        let connectors = configuration.connectors.map { "\($0.name) (\($0.kind.rawValue) for \($0.source))" }
        if !connectors.isEmpty { lines.append("connectors: \(connectors.joined(separator: ", "))") }
        lines.append("subscriptions: \(subscriptions.isEmpty ? "none" : subscriptions)")
        if let api = controlAPI(configuration.router) { lines.append(api) }
        return lines.joined(separator: "\n")
    }

    /// Where the control API listens and who may use it; nil where it is on the admin socket alone.
    private static func controlAPI(_ router: RouterConfiguration) -> String? {
        guard let listen = router.listen else { return nil }
        let tokens = router.apiTokens.map { token in
            let scopes = APITokenConfiguration.allScopes.filter(token.scopes.contains)
            return "\(token.name) (\(scopes.joined(separator: ", ")))"
        }
        return "control API: \(router.tls == nil ? "http" : "https")://\(listen) for "
            + printable(tokens.joined(separator: ", "))
    }

    private static func keys(_ secrets: [ConfiguredSecret]) -> String {
        secrets.map { one in one.id.map { "\($0) (\(secret(one)))" } ?? secret(one) }.joined(separator: ", ")
    }

    private static func secret(_ secret: ConfiguredSecret) -> String {
        let validity = secret.validity
        let start = validity.notBeforeNanoseconds.map { " from \(RFC3339.text($0, digits: 6))" } ?? ""
        let end = validity.notAfterNanoseconds.map { " until \(RFC3339.text($0, digits: 6))" } ?? ""
        return "\(secret.value)\(start)\(end)"
    }

    /// What a reload does about a change.
    private static func meaning(_ change: ConfigurationChange) -> String {
        let stages = change.stages.map(\.rawValue).joined(separator: ", ")
        return switch change.effect {
        case .inPlace: "taken over in place: \(stages)"
        case .restart: "restarts \(stages)"
        case .instances: "starts or stops instances"
        case .pipeline: "needs the whole pipeline to go down and up"
        }
    }
}

// MARK: for programs

extension CheckCommand {
    static func json(
        _ configuration: TributaryConfiguration, _ findings: [Finding], _ changes: [ConfigurationChange]?, file: String
    ) -> JSONText {
        let errors = findings.filter { $0.severity == .error }
        let warnings = findings.filter { $0.severity == .warning }
        return .object([
            "ok": .bool(errors.isEmpty), "errors": .array(errors.map { $0.json(file) }),
            "warnings": .array(warnings.map { .string($0.text) }),
            "fingerprint": .string(configuration.fingerprint),
            "changes": .optional(changes) { .array($0.map(json)) },
        ])
    }

    static func json(_ change: ConfigurationChange) -> JSONText {
        .object([
            "text": .string(change.sentence), "effect": .string(change.effect.rawValue),
            "meaning": .string(meaning(change)),
            "stages": .array(change.stages.map { .string($0.rawValue) }),
        ])
    }

    static func json(_ errors: ConfigurationErrors) -> JSONText {
        let list = errors.errors.map { error in
            JSONText.object([
                "file": .string(error.file), "line": .number(error.line), "key": .string(error.keyPath),
                "text": .string(error.sentence),
            ])
        }
        return .object(["ok": .bool(false), "errors": .array(list), "warnings": .array([])])
    }
}
