import Executable
import JSON
import PipelineConfiguration

/// Something about a configuration that decodes, said by `tributary check`, or about what it is to run on, said by
/// `tributary doctor`.
struct Finding: Equatable, Sendable {
    enum Severity: String, Sendable {
        /// Looked at and in order.
        case fine = "ok"
        /// The stages would not start, or not work, with it.
        case error
        /// It works, but probably not as it was meant.
        case warning
    }

    let severity: Severity
    /// Such as `router.egress_allow`; empty where the sentence names its place.
    let key: String
    let sentence: String
    /// What programs go by; it says why this matters and what to do.
    let code: FindingCode

    init(_ severity: Severity, _ key: String = "", _ sentence: String, code: FindingCode = .configuration) {
        self.severity = severity
        self.key = key
        self.sentence = sentence
        self.code = code
    }

    /// Without the severity.
    var text: String { key.isEmpty ? sentence : "\(key): \(sentence)" }

    /// Like an error of the file, but without a line.
    func json(_ file: String) -> JSONText {
        .object([
            "file": .string(file), "line": .number(0), "key": .string(key), "text": .string(sentence),
        ])
    }
}

extension TributaryConfiguration {
    /// Everything that can be said about it here: of its values, of the directories that it names, and of the secrets as
    /// this process finds them. `secretsMustResolve`: whether a secret that is not to be had is an error.
    func findings(nowNanoseconds: Int64, secretsMustResolve: Bool) -> [Finding] {
        DirectoryFindings.of(self)
            + SecretFindings(self).findings(mustResolve: secretsMustResolve)
            + SourceWarnings.of(sources, nowNanoseconds: nowNanoseconds).map { Finding(.warning, "", $0) }
            + router.warnings.map { Finding(.warning, "", $0) }
            + (secretWarnings + exposedSecrets(of: Stage.allCases)).map { Finding(.warning, "", $0, code: .secret) }
            + ReachWarnings.of(self)
    }
}

/// Whether the directories can be what they are to be.
enum DirectoryFindings {
    static func of(_ configuration: TributaryConfiguration) -> [Finding] {
        [("run_dir", configuration.runDir, true), ("data_dir", configuration.dataDir, false)].compactMap {
            key, path, isOwn in
            do throws(StageFailure) {
                try PrivateDirectory.check(path, isOwn: isOwn)
                return nil
            } catch {
                return Finding(.error, key, error.sentence, code: .directory)
            }
        }
    }
}

/// What is reachable that should not be, or is not reachable that should.
enum ReachWarnings {
    static func of(_ configuration: TributaryConfiguration) -> [Finding] {
        var found: [Finding] = []
        let ingress = configuration.ingress
        if !ingress.listen.isLoopback, ingress.tls == nil, ingress.publicURL.isEmpty, ingress.trustedProxies.isEmpty {
            found.append(
                Finding(
                    .warning, "ingress.listen",
                    "\(ingress.listen) is reached from other machines without TLS, so path tokens and events pass in "
                        + "clear; write ingress.tls: { certificate: …, key: … }, or name the proxy that speaks TLS with "
                        + "public_url: \"https://…\""))
        }
        for subscription in configuration.subscriptions {
            for type in subscription.filter.types {
                do throws(StageFailure) {
                    try KnownTypes.require(type)
                } catch {
                    found.append(Finding(.warning, "subscription \(subscription.name)", error.sentence))
                }
            }
            guard let refusal = subscription.destination.warning(by: configuration.router) else { continue }
            found.append(Finding(.warning, "subscription \(subscription.name)", refusal))
        }
        return found
    }
}
