import JSON
import PipelineConfiguration

/// What somebody wants a subscription to be: checked, and with the secrets taken out of the document.
struct SubscriptionDraft {
    /// What is stored: nothing but what was given, without secrets and without what counts at creation only.
    let document: JSONValue
    let configuration: SubscriptionConfiguration
    /// Nil where none were given.
    let secrets: [[UInt8]]?
    /// What kind of secret the router is to make.
    let kind: SigningSecrets.Kind?

    /// Largest document that is kept.
    static let maxBytes = 64 * 1024

    /// `whole` has no nulls and no doubled members (`JSONValue.merging` sees to it). Throws `invalid` with all that is
    /// wrong.
    init(_ whole: JSONValue, _ rules: SubscriptionRules) throws(RouterError) {
        let signing = whole["signing"]
        document = whole.without("start")
            .replacing("signing", with: signing.without("secrets").without("key"))
        let bytes = document.json.bytes.count
        guard bytes <= Self.maxBytes else {
            throw RouterError(
                .invalid, "the document has \(bytes) bytes, at most \(Self.maxBytes) are kept; write a shorter filter")
        }
        do {
            configuration = try SubscriptionDocument.decode(document, sources: rules.sources)
        } catch {
            throw RouterError.invalid(
                error.problems.map { RouterError.Fault(pointer: $0.pointer, sentence: $0.sentence) })
        }
        var faults: [RouterError.Fault] = []
        func report(_ pointer: String, _ sentence: String) {
            faults.append(RouterError.Fault(pointer: pointer, sentence: sentence))
        }
        if let refusal = configuration.kind.apiRefusal(by: rules.router) {
            report("/\(refusal.key)", refusal.sentence)
        }
        let scheme = configuration.signing.scheme
        kind = SigningSecrets.Kind(rawValue: signing["key"].text)
        if signing.has("key") {
            if kind == nil { report("/signing/key", "expected hmac or ed25519") }
            if scheme != .standardWebhooks || signing.has("secrets") {
                report("/signing/key", "it says what secret to make, with standard-webhooks and without secrets")
            }
        }
        secrets = Self.secrets(signing["secrets"], configuration.signing, report)
        guard faults.isEmpty else { throw .invalid(faults) }
    }

    private static func secrets(
        _ value: JSONValue, _ signing: SigningConfiguration, _ report: (String, String) -> Void
    ) -> [[UInt8]]? {
        guard value != .null else { return nil }
        guard case .array(let elements) = value, (1...SigningSecrets.most).contains(elements.count) else {
            report("/signing/secrets", "expected a list of 1 to \(SigningSecrets.most) texts")
            return nil
        }
        if signing.scheme == .none { report("/signing/secrets", "scheme: none signs nothing; leave the secrets out") }
        if elements.count > 1, signing.scheme == .stream || signing.scheme == .header {
            report("/signing/secrets", "this scheme has room for one; only standard-webhooks signs with several")
        }
        return elements.enumerated().map { index, element in
            guard case .string(let text) = element else {
                report("/signing/secrets/\(index)", "expected a text")
                return []
            }
            if let problem = SigningSecrets.problem(with: text, signing) {
                report("/signing/secrets/\(index)", problem)
            }
            return Array(text.utf8)
        }
    }
}
