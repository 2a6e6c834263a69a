import Executable
import PipelineConfiguration
import ServerCertificates
import VerificationSchemes

/// The secrets of a configuration as this process finds them, in its environment and in files: which are missing, and
/// which cannot do what they are for. Never holds a value longer than it is judged, and never says one.
struct SecretFindings {
    /// How many references there are.
    private var references = 0
    /// A sentence per reference that is not to be had, with the place alone.
    private var missing: [(place: String, sentence: String)] = []
    /// Sentences about those that are to be had.
    private var unusable: [String] = []
    /// What is weak about those that can be used.
    private var weak: [String] = []

    init(_ configuration: TributaryConfiguration) {
        let placement = Placement(configuration)
        for stage in Stage.allCases where placement.has(stage) {
            for reference in configuration.secrets(of: stage) { look(for: reference) }
        }
        for source in configuration.sources { judge(source, configuration) }
        for token in configuration.router.apiTokens { judge(token) }
        for tls in [configuration.ingress.tls, configuration.router.tls].compactMap({ $0 }) { judge(tls) }
    }

    /// What is missing is one warning in all, or an error each where secrets must resolve, as at a start of the stages.
    func findings(mustResolve: Bool) -> [Finding] {
        let severity: Finding.Severity = mustResolve ? .error : .warning
        func secret(_ severity: Finding.Severity, _ sentence: String) -> Finding {
            Finding(severity, "", sentence, code: .secret)
        }
        var found = unusable.map { secret(severity, $0) } + weak.map { secret(.warning, $0) }
        if mustResolve { return missing.map { secret(.error, $0.sentence) } + found }
        if !missing.isEmpty {
            let places = Set(missing.map(\.place)).sorted().joined(separator: ", ")
            found.append(
                secret(
                    .warning,
                    "\(missing.count) of \(references) secrets are not to be had here: \(places); the stages need them at "
                        + "their start (check --secrets makes this an error)"))
        }
        return found
    }

    private mutating func look(for reference: SecretReference) {
        references += 1
        do {
            _ = try reference.resolve()
        } catch {
            missing.append(("\(reference)", error.sentence))
        }
    }

    /// Nil, and nothing is said, where it is missing: that was said before.
    private static func value(_ reference: SecretReference) -> [UInt8]? { try? reference.resolve() }

    private mutating func judge(_ source: SourceConfiguration, _ configuration: TributaryConfiguration) {
        var secrets: [SourceSecret] = []
        for secret in source.secrets + source.pathTokens {
            guard let value = Self.value(secret.value) else { return }
            secrets.append(SourceSecret(id: secret.id, value: value, validity: secret.validity))
        }
        do {
            _ = try ResolvedSource(source, configuration)
        } catch {
            unusable.append(error.sentence)
            return
        }
        weak += SourceKeyring.warnings(Array(secrets.prefix(source.secrets.count)), for: source.scheme).map {
            "source \(source.name): \($0)"
        }
    }

    private mutating func judge(_ token: APITokenConfiguration) {
        guard let reference = token.reference, let value = Self.value(reference) else { return }
        guard value.allSatisfy(APITokenConfiguration.isTokenByte) else {
            unusable.append("\(reference.keyPath): a bearer token has letters, digits and -._~+/= only (RFC 6750)")
            return
        }
        guard value.count < SourceVerification.strongKeyBytes else { return }
        unusable.append(
            "\(reference.keyPath): the token in \(reference) has \(value.count) characters and can be guessed; use at "
                + "least \(SourceVerification.strongKeyBytes), such as `tributary token make` prints")
    }

    private mutating func judge(_ tls: ListenerTLS) {
        guard [tls.certificate, tls.key].allSatisfy({ Self.value($0) != nil }) else { return }
        do {
            _ = try ServerTLS(tls)
        } catch {
            unusable.append(error.sentence)
        }
    }
}
