package import PipelineConfiguration
import Primitives
import Providers
package import Verification
import VerificationSchemes

/// How the requests of a subscription are named and signed: by the very schemes that verify webhooks. Belongs to one thread.
package final class DeliverySigner {
    private static let idField = "webhook-id"
    /// In which Stream counts its attempts (getstream.io, "Webhooks overview").
    private static let streamAttemptField = "x-webhook-attempt"

    private let scheme: SignatureScheme?
    private let signer: RequestSigner?
    private let signsID: Bool
    private let isStream: Bool
    /// What goes into the scheme's `keyField`.
    private let keyID: [UInt8]
    private var timestamp = NumberText()
    private var attempt = NumberText()
    /// A field with a secret in it.
    private let token: (name: String, value: [UInt8])?

    /// Names and does not sign.
    package init() {
        (scheme, signer, signsID, isStream, keyID, token) = (nil, nil, false, false, [], nil)
    }

    /// Throws a sentence where a secret does not fit its scheme. A scheme that has room for one signature is signed by the
    /// first secret.
    package init(_ configuration: SigningConfiguration, secrets: [[UInt8]]) throws(SigningSecretError) {
        keyID = Array((configuration.apiKey ?? "").utf8)
        isStream = configuration.scheme == .stream
        guard case .signature(let scheme)? = SchemePresets.scheme(named: configuration.scheme.rawValue)?.proof else {
            token =
                configuration.scheme == .header ? try Self.token(configuration, secrets.first ?? []) : nil
            (scheme, signer, signsID) = (nil, nil, false)
            return
        }
        var keys: [RequestSigner.Key] = []
        for secret in secrets { keys.append(try Self.key(secret, scheme.keyForm)) }
        guard let signer = RequestSigner(scheme, keys: keys) else { throw .standardWebhooks }
        self.scheme = scheme
        self.signer = signer
        signsID = scheme.content.contains(.field(Self.idField))
        token = nil
    }

    private static func token(
        _ configuration: SigningConfiguration, _ secret: [UInt8]
    ) throws(SigningSecretError) -> (String, [UInt8]) {
        guard secret.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw .controlCharacter }
        return (configuration.header ?? "authorization", Array(configuration.prefix.utf8) + secret)
    }

    private static func key(_ secret: [UInt8], _ form: KeyForm) throws(SigningSecretError) -> RequestSigner.Key {
        guard form == .standardWebhooks else {
            guard !secret.isEmpty else { throw .empty }
            return .shared(secret)
        }
        let key = StandardWebhooksKey(secret)
        guard key.kind != .publicKey, let bytes = Array(key.base64).withUnsafeBytes({ Base64.decode($0) }),
            !bytes.isEmpty
        else { throw .standardWebhooks }
        return key.kind == .privateKey ? .ed25519(bytes) : .shared(bytes)
    }

    /// Calls `each` with the header fields that name and sign one attempt, and their values. `id` is the same for every
    /// attempt.
    package func sign(
        id: [UInt8], attempt: Int, nowSeconds: Int64, body: RequestSigner.Parts,
        each: (_ field: String, _ value: [UInt8]) -> Void
    ) {
        if signsID { each(Self.idField, id) }
        if let scheme, let signer {
            if let name = scheme.idField { each(name, id) }
            if isStream { each(Self.streamAttemptField, self.attempt.of(Int64(attempt))) }
            if let name = scheme.keyField { each(name, keyID) }
            let timestamp = scheme.timestamp == nil ? [] : self.timestamp.of(max(0, nowSeconds))
            if let time = scheme.timestamp { each(time.field, timestamp) }
            signer.sign(body, timestamp: timestamp) { _, content in
                content += id
            } each: {
                each($0, $1)
            }
        }
        if !signsID { each(Self.idField, id) }
        if let token { each(token.name, token.value) }
    }
}

/// The digits of a number, which are the same for many requests.
private struct NumberText {
    private var number: Int64?
    private var text: [UInt8] = []

    mutating func of(_ number: Int64) -> [UInt8] {
        if number != self.number { (self.number, text) = (number, Array(String(number).utf8)) }
        return text
    }
}

/// A signing secret that cannot be used.
package struct SigningSecretError: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) {
        self.description = description
    }

    static let standardWebhooks = SigningSecretError(
        description: "a standard-webhooks secret is base64, with or without whsec_ before it (make one with: openssl "
            + "rand -base64 32), or whsk_ and the base64 of an Ed25519 seed of 32 bytes")
    static let controlCharacter = SigningSecretError(
        description: "a header token holds no control characters and no line end")
    static let empty = SigningSecretError(description: "a secret is not empty")
}
