import NIOCore
import PipelineConfiguration
import Primitives
import Providers
import Verification
import VerificationSchemes

/// How the requests of a subscription are named and signed: by the very schemes that verify webhooks. Belongs to the event
/// loop of the lanes.
struct DeliverySigner {
    private static let idField = "webhook-id"
    /// In which Stream counts its attempts (getstream.io, "Webhooks overview").
    private static let streamAttemptField = "x-webhook-attempt"

    private let scheme: SignatureScheme?
    private let signer: RequestSigner?
    private let signsID: Bool
    private let isStream: Bool
    /// What goes into the scheme's `keyField`.
    private let keyID: String
    /// A whole line with a secret in it.
    private let token: [UInt8]

    /// Names and does not sign.
    init() {
        (scheme, signer, signsID, isStream, keyID, token) = (nil, nil, false, false, "", [])
    }

    /// Throws a sentence where a secret does not fit its scheme. A scheme that has room for one signature is signed by the
    /// first secret.
    init(_ configuration: SigningConfiguration, secrets: [[UInt8]]) throws(SigningSecretError) {
        keyID = configuration.apiKey ?? ""
        isStream = configuration.scheme == .stream
        guard case .signature(let scheme)? = SchemePresets.scheme(named: configuration.scheme.rawValue)?.proof else {
            token =
                configuration.scheme == .header ? try Self.token(configuration, secrets.first ?? []) : []
            (scheme, signer, signsID) = (nil, nil, false)
            return
        }
        var keys: [RequestSigner.Key] = []
        for secret in secrets { keys.append(try Self.key(secret, scheme.keyForm)) }
        guard let signer = RequestSigner(scheme, keys: keys) else { throw .standardWebhooks }
        self.scheme = scheme
        self.signer = signer
        signsID = scheme.content.contains(.field(Self.idField))
        token = []
    }

    private static func token(
        _ configuration: SigningConfiguration, _ secret: [UInt8]
    ) throws(SigningSecretError) -> [UInt8] {
        guard secret.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw .controlCharacter }
        let name = configuration.header ?? "authorization"
        return Array("\(name): \(configuration.prefix)".utf8) + secret + Array("\r\n".utf8)
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

    /// Appends the header lines that name and sign one attempt. `id` is the same for every attempt.
    func write(
        id: [UInt8], attempt: Int, nowSeconds: Int64, body: ByteBuffer, to buffer: inout ByteBuffer
    ) {
        if signsID { Self.line(Self.idField, id, to: &buffer) }
        if let scheme, let signer {
            if let name = scheme.idField { Self.line(name, id, to: &buffer) }
            if isStream { Self.line(Self.streamAttemptField, Array(String(attempt).utf8), to: &buffer) }
            if let name = scheme.keyField { Self.line(name, Array(keyID.utf8), to: &buffer) }
            let timestamp = scheme.timestamp == nil ? [] : Array(String(max(0, nowSeconds)).utf8)
            if let time = scheme.timestamp { Self.line(time.field, timestamp, to: &buffer) }
            body.withUnsafeReadableBytes { body in
                signer.sign(body, timestamp: timestamp) { _, content in
                    content += id
                } each: { name, value in
                    Self.line(name, value, to: &buffer)
                }
            }
        }
        if !signsID { Self.line(Self.idField, id, to: &buffer) }
        buffer.writeBytes(token)
    }

    private static func line(_ name: String, _ value: [UInt8], to buffer: inout ByteBuffer) {
        buffer.writeString(name)
        buffer.writeStaticString(": ")
        buffer.writeBytes(value)
        buffer.writeStaticString("\r\n")
    }
}

/// A signing secret that cannot be used.
struct SigningSecretError: Error, CustomStringConvertible {
    let description: String

    static let standardWebhooks = SigningSecretError(
        description: "a standard-webhooks secret is base64, with or without whsec_ before it (make one with: openssl "
            + "rand -base64 32), or whsk_ and the base64 of an Ed25519 seed of 32 bytes")
    static let controlCharacter = SigningSecretError(
        description: "a header token holds no control characters and no line end")
    static let empty = SigningSecretError(description: "a secret is not empty")
}
