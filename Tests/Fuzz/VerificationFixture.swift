import Events
import Gzip
import Providers
import Verification
import VerificationSchemes
import Wire

/// The verification engine with every scheme that has a name. The first byte of an input says which.
///
/// Nobody here knows a secret but the seeds, which are signed: so whatever is found genuine has a body that was signed.
final class VerificationFixture: FuzzFixture {
    /// One scheme with its keys.
    struct Source {
        let verification: SourceVerification
        /// Whether a proof covers every byte of the body.
        let coversBody: Bool
    }

    private let verifiers: [(source: Source, verifier: SourceVerifier)]
    private let bodies = Set(VerificationFixture.bodies)
    private let inflater = Inflater(maxInflatedBytes: 100_000)

    init() {
        let inflater = inflater
        verifiers = Self.sources.map { ($0, SourceVerifier($0.verification, inflater: inflater)) }
    }

    func tryOne(_ input: UnsafeRawBufferPointer) {
        guard let first = input.first, !verifiers.isEmpty else { return }
        let (source, verifier) = verifiers[Int(first) % verifiers.count]
        let record = HostileRequest(ArraySlice(Array(input.dropFirst()))).record(source: "fuzz")
        let (outcome, sections) = verify(record, verifier)
        must(verify(record, verifier) == (outcome, sections), "the same webhook gets the same verdict")
        switch outcome {
        case .refused(let code, let detail):
            must(sections.isEmpty, "nothing is appended to a refused webhook")
            must(!code.rawValue.isEmpty && !detail.isEmpty, "a refusal says why")
            must((400...499).contains(code.httpStatus), "a refusal is the sender's fault")
        case .answered(let reply):
            must(reply.count <= Limits.verdictReplyBytes, "a reply fits into a verdict")
        case .verified(let keyID):
            (record + sections).withUnsafeBytes { look($0, source, keyID) }
        }
    }

    private func look(_ bytes: UnsafeRawBufferPointer, _ source: Source, _ keyID: String) {
        guard let view = try? EnvelopeView(bytes), let webhook = VerifiedWebhook(view) else {
            fatalError("broken: a verified webhook is one for the normaliser")
        }
        let verification = view.section(.verification).flatMap { try? Verification(section: $0) }
        must(verification?.scheme == source.verification.scheme.name, "a verification names its scheme")
        must(verification?.keyID == keyID, "a verification names its key")
        if source.coversBody {
            must(
                bodies.contains(Array(webhook.body)),
                "what is found genuine was signed: \(source.verification.scheme.name)")
        }
    }

    private func verify(_ record: [UInt8], _ verifier: SourceVerifier) -> (VerificationOutcome, [UInt8]) {
        record.withUnsafeBytes { bytes in
            guard let view = try? EnvelopeView(bytes), let webhook = AcceptedWebhook(view) else {
                fatalError("broken: a composed record is whole")
            }
            var writer = ByteWriter()
            let outcome = verifier.verify(webhook, into: &writer)
            return (outcome, writer.bytes)
        }
    }

    /// Texts that are a secret in one form of key or another.
    private static let secrets = [
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "00112233445566778899aabbccddeeff", "user:password",
    ]

    private static let bodies: [[UInt8]] = [
        #"{"type":"call.created","call_cid":"default:1","event":"a","id":"1"}"#, "", "a=b&c=%41+d",
        #"{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}"#,
    ].map { Array($0.utf8) }

    private static let schemes: [VerificationScheme] = {
        guard case .always(let calls) = StreamCallsProvider.signing else { fatalError("broken: calls are signed") }
        return SchemePresets.names.compactMap { SchemePresets.scheme(named: $0) } + [calls]
    }()

    private static let sources: [Source] = schemes.compactMap { scheme in
        for secret in secrets {
            let secrets = [SourceSecret(id: "k", value: Array(secret.utf8))]
            guard
                let keys = try? SourceKeyring.keys(
                    scheme.proof == .none ? [] : secrets, for: scheme, provider: scheme.name)
            else { continue }
            let verification = SourceVerification(
                source: "fuzz", scheme: scheme, keys: keys, publicURL: "https://gateway.example.com")
            return Source(verification: verification, coversBody: coversBody(scheme))
        }
        return nil
    }

    /// Not where a secret merely travels along, nor where a form's parameters are signed instead of its bytes.
    private static func coversBody(_ scheme: VerificationScheme) -> Bool {
        switch scheme.proof {
        case .none, .token: false
        case .jwt(let token): token.bodyDigestClaim != nil
        case .signature(let signature): signature.content.contains(.body)
        }
    }

    static func seeds() -> [[UInt8]] {
        sources.enumerated().flatMap { index, source in
            bodies.map { body in
                var fields = [(name: ":path", value: "api/v2/video/call/default/1/event")]
                if let key = source.verification.keys.keys.first {
                    let signed = SourceSigner.fields(
                        for: body, verification: source.verification, key: key, webhookID: "w1",
                        atNanoseconds: HostileRequest.receivedAtNanoseconds)
                    fields += signed.fields
                    if !signed.query.isEmpty { fields.append((":query", signed.query)) }
                    if let token = signed.pathToken { fields.append((":token", token)) }
                }
                return [UInt8(index)] + HostileRequest.seed(fields, body)
            }
        }
    }
}
