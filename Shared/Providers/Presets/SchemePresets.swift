package import VerificationSchemes

/// The schemes that need not be described in the configuration, by name.
package enum SchemePresets {
    /// The scheme with that name; nil if there is none. `custom` schemes are described in the configuration instead.
    package static func scheme(named name: String) -> VerificationScheme? {
        all.first { $0.name == name }
    }

    /// Every name, for sentences about the configuration.
    package static let names = all.map(\.name)

    private static let all: [VerificationScheme] = [
        scheme(of: StreamProvider.signing), scheme(of: FastPixProvider.signing),
        scheme(of: FishjamProvider.signing), standardWebhooks, liveKit, mux, daily, twilio, zoom, agora,
        cloudflareStream, pathToken, VerificationScheme.none,
    ].compactMap { $0 }

    private static func scheme(of signing: Signing) -> VerificationScheme? {
        switch signing {
        case .always(let scheme), .optional(let scheme): scheme
        case .never: nil
        }
    }

    /// A secret as the last part of the path.
    package static let pathToken = VerificationScheme("path-token", .token(.path))

    /// `spec/standard-webhooks.md`; time stamps ±300 s as in its reference libraries.
    package static let standardWebhooks = VerificationScheme(
        "standard-webhooks",
        .signature(
            SignatureScheme(
                [
                    SignatureField(.hmacSHA256, field: "webhook-signature", .base64, list: .versions("v1")),
                    SignatureField(.ed25519, field: "webhook-signature", .base64, list: .versions("v1a")),
                ],
                keyForm: .standardWebhooks,
                content: [.field("webhook-id"), .literal("."), .timestamp, .literal("."), .body],
                timestamp: TimestampField(field: "webhook-timestamp"), toleranceSeconds: 300)))

    /// twilio-python, `request_validator.py`; SHA-256 where Twilio signs with a shared key instead of the auth token.
    package static let twilio = VerificationScheme(
        "twilio",
        .signature(
            SignatureScheme(
                [
                    SignatureField(.hmacSHA1, field: "x-twilio-signature", .base64),
                    SignatureField(.hmacSHA256, field: "x-twilio-signature", .base64),
                ],
                keyForm: .text, content: [.url, .form], bodyDigestParameter: "bodySHA256")))

    /// https://developers.zoom.us/docs/api/webhooks/; it states no tolerance: 300 s.
    package static let zoom = VerificationScheme(
        "zoom",
        .signature(
            SignatureScheme(
                [SignatureField(.hmacSHA256, field: "x-zm-signature", .hex, prefix: "v0=")],
                keyForm: .text, content: [.literal("v0:"), .timestamp, .literal(":"), .body],
                timestamp: TimestampField(field: "x-zm-request-timestamp"), toleranceSeconds: 300,
                challenge: .zoom)))

    /// https://docs.agora.io/en/voice-calling/advanced-features/receive-notifications.
    package static let agora = VerificationScheme(
        "agora",
        .signature(
            SignatureScheme(
                [
                    SignatureField(.hmacSHA1, field: "agora-signature", .hex),
                    SignatureField(.hmacSHA256, field: "agora-signature-v2", .hex),
                ],
                keyForm: .text)))

    /// https://developers.cloudflare.com/stream/uploading-videos/using-webhooks; the tolerance is the receiver's choice.
    package static let cloudflareStream = VerificationScheme(
        "cloudflare-stream",
        .signature(
            SignatureScheme(
                [SignatureField(.hmacSHA256, field: "webhook-signature", .hex, list: .pairs(key: "sig1"))],
                keyForm: .text, content: [.timestamp, .literal("."), .body],
                timestamp: TimestampField(field: "webhook-signature", pairKey: "time"), toleranceSeconds: 300)))
}
