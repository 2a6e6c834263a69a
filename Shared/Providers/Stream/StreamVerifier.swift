import Events
import Wire

/// Checks `X-SIGNATURE`: lower-case hexadecimal HMAC-SHA256 of the uncompressed body with the secret of the app that
/// `X-API-KEY` names (GetStream's SDKs, `verify_and_parse_webhook`).
///
/// In this order, so that strangers cost little: key known, signature well-formed, body inflated, signature right.
final class StreamVerifier: WebhookVerifier {
    /// The secrets of one API key.
    private struct App {
        let apiKey: [UInt8]
        let id: String
        let secrets: [HMACKey]
    }

    private let apps: [App]
    private let inflater: Inflater
    private var signature = [UInt8](repeating: 0, count: HMACKey.codeBytes)

    init(keys: SourceKeys, inflater: Inflater) {
        var ids: [String] = []
        for key in keys.keys where !ids.contains(key.id) { ids.append(key.id) }
        apps = ids.map { id in
            App(
                apiKey: Array(id.utf8), id: id,
                secrets: keys.keys.filter { $0.id == id }.map { HMACKey($0.bytes) })
        }
        self.inflater = inflater
    }

    func verify(_ webhook: AcceptedWebhook, into writer: inout ByteWriter) -> VerificationOutcome {
        guard let apiKey = webhook.head.value("x-api-key"), !apiKey.isEmpty else {
            return .refused(.keyMissing, detail: "the request has no X-API-KEY")
        }
        // An API key is public, so it needs no comparison in constant time.
        guard let app = apps.first(where: { $0.apiKey.elementsEqual(apiKey) }) else {
            return .refused(.keyUnknown, detail: "no secret of this source has the id that X-API-KEY names")
        }
        guard let text = webhook.head.value("x-signature"), !text.isEmpty else {
            return .refused(.signatureMissing, detail: "the request has no X-SIGNATURE")
        }
        guard signature.withUnsafeMutableBytes({ Hexadecimal.decode(text, into: $0) }) else {
            return .refused(.signatureMalformed, detail: "X-SIGNATURE is not 64 lower-case hexadecimal digits")
        }
        guard Inflater.isCompressed(webhook.body) else {
            return check(webhook.body, for: app, inflated: nil, into: &writer)
        }
        return inflater.inflate(webhook.body) { outcome in
            switch outcome {
            case .inflated(let body):
                check(body, for: app, inflated: body, into: &writer)
            case .damaged:
                .refused(.bodyNotInflatable, detail: "the body begins like gzip but is damaged or cut off")
            case .tooLarge:
                .refused(
                    .bodyTooLargeInflated,
                    detail: "the body inflates to more than \(inflater.maxInflatedBytes) bytes")
            }
        }
    }

    private func check(
        _ body: UnsafeRawBufferPointer, for app: App, inflated: UnsafeRawBufferPointer?, into writer: inout ByteWriter
    ) -> VerificationOutcome {
        let isGenuine = signature.withUnsafeBytes { expected in
            app.secrets.contains { $0.matches(expected, over: body) }
        }
        guard isGenuine else {
            return .refused(
                .signatureMismatch, detail: "X-SIGNATURE was not made with a secret configured for this API key")
        }
        Verification(scheme: StreamProvider.name, keyID: app.id).write(to: &writer)
        if let inflated { writer.section(.inflatedBody, inflated) }
        return .verified
    }
}
