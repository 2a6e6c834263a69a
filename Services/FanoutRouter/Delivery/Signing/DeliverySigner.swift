import NIOCore
import PipelineConfiguration
import Primitives
import Providers
import Wire

/// How the requests of a subscription are signed. Belongs to the event loop of the lanes.
enum DeliverySigner {
    case none
    case standardWebhooks(StandardWebhooksSigner)
    /// As Stream signs (getstream.io, "Webhooks overview"): `X-SIGNATURE` is the hexadecimal HMAC-SHA256 of the body.
    case stream(apiKey: [UInt8], HMACKey)
    /// A secret in a header field of its own.
    case header(line: [UInt8])

    /// Throws a sentence where a secret does not fit its scheme. Stream's scheme has room for one signature: the first
    /// secret signs.
    init(_ configuration: SigningConfiguration, secrets: [[UInt8]]) throws(SigningSecretError) {
        switch configuration.scheme {
        case .none: self = .none
        case .standardWebhooks: self = .standardWebhooks(try StandardWebhooksSigner(secrets: secrets))
        case .stream:
            self = .stream(apiKey: Array((configuration.apiKey ?? "").utf8), HMACKey(secrets.first ?? [0]))
        case .header:
            let token = secrets.first ?? []
            guard token.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw .controlCharacter }
            let name = configuration.header ?? "authorization"
            self = .header(line: Array("\(name): \(configuration.prefix)".utf8) + token + Array("\r\n".utf8))
        }
    }

    /// Appends the header lines that name and sign one attempt. `id` is the same for every attempt.
    func write(
        id: [UInt8], attempt: Int, nowSeconds: Int64, body: ByteBuffer, to buffer: inout ByteBuffer
    ) {
        if case .stream(let apiKey, let key) = self {
            buffer.writeStaticString("x-webhook-id: ")
            buffer.writeBytes(id)
            buffer.writeString("\r\nx-webhook-attempt: \(attempt)\r\nx-api-key: ")
            buffer.writeBytes(apiKey)
            buffer.writeStaticString("\r\nx-signature: ")
            buffer.writeString(body.withUnsafeReadableBytes { key.withCode(of: $0, Hexadecimal.encode) })
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("webhook-id: ")
        buffer.writeBytes(id)
        buffer.writeStaticString("\r\n")
        switch self {
        case .none, .stream: break
        case .header(let line): buffer.writeBytes(line)
        case .standardWebhooks(let signer):
            // What is signed is `id.timestamp.body`; its first part is built once and used twice.
            let dot = UInt8(ascii: ".")
            var prefix = id
            prefix.reserveCapacity(id.count + 22)
            prefix.append(dot)
            prefix.append(contentsOf: String(max(0, nowSeconds)).utf8)
            buffer.writeStaticString("webhook-timestamp: ")
            buffer.writeBytes(prefix[(id.count + 1)...])
            prefix.append(dot)
            var signatures = ByteWriter(reservingBytes: 128)
            prefix.withUnsafeBytes { prefix in
                body.withUnsafeReadableBytes { signer.sign(prefix, $0, to: &signatures) }
            }
            buffer.writeStaticString("\r\nwebhook-signature: ")
            buffer.writeBytes(signatures.bytes)
            buffer.writeStaticString("\r\n")
        }
    }
}
