import Verification
import VerificationSchemes

/// Signs as a genuine sender of one source would, or as a forger.
struct WebhookSigner: Sendable {
    private let verification: SourceVerification
    private let key: SourceKey
    /// What belongs at the end of the path, escaped; it may be a secret.
    let pathToken: String?

    /// The first key that counts at `nanoseconds` signs. A forger has the right manners and none of the secrets.
    init(_ verification: SourceVerification, at nanoseconds: Int64, isForger: Bool = false) {
        func first(_ keys: SourceKeys?) -> SourceKey? {
            keys?.keys.first { $0.validity.holds(at: nanoseconds) } ?? keys?.keys.first
        }
        var verification = verification
        var key = first(verification.keys) ?? SourceKey(id: "none", bytes: [])
        var token = first(verification.pathTokens)
        if isForger {
            key = key.spoiled
            token = token?.spoiled
        }
        verification.pathTokens = token.map { SourceKeys([$0]) }
        self.verification = verification
        self.key = key
        pathToken =
            SourceSigner.fields(
                for: [], verification: verification, key: key, webhookID: "0", atNanoseconds: nanoseconds
            ).pathToken
    }

    /// What goes along with `body`.
    func sign(_ body: [UInt8], id: String, atNanoseconds: Int64) -> SignedRequest {
        SourceSigner.fields(
            for: body, verification: verification, key: key, webhookID: id, atNanoseconds: atNanoseconds)
    }

    /// Whether there is anything to prove.
    var provesAnything: Bool { verification.scheme.proof != .none || verification.pathTokens != nil }

    /// The configured id of the key that signs.
    var keyID: String { key.id }
}

extension SourceKey {
    /// A key with the same id that proves nothing: text, because tokens travel in header fields and paths.
    var spoiled: SourceKey {
        let digits = bytes.reversed().map { String(255 - $0, radix: 16) }
        return SourceKey(id: id, bytes: Array("forged-\(digits.joined())".utf8.prefix(64)))
    }
}
