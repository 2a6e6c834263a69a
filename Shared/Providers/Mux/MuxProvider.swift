/// Mux Video: JSON webhooks of live streams, assets and uploads, sent again for 24 hours until they get 2xx. It sends
/// no probe.
package enum MuxProvider: Provider {
    package static let name = "mux"
    package static let attribute: StaticString = "mux"

    package static let signing = Signing.always(SchemePresets.mux)

    package static let types = MuxTypes.all
    package static let idSource = "`id`"
    package static let timeSource = "`created_at`"

    package static func makeNormaliser(_ options: MappingOptions) -> any WebhookNormaliser {
        ObjectNormaliser(MuxTypes.mapping)
    }
}

extension SchemePresets {
    /// `Mux-Signature: t=…,v1=…` is the hexadecimal HMAC-SHA256 of `<t>.<body>` (muxinc/mux-node-sdk,
    /// `src/resources/webhooks/webhooks.ts`).
    package static let mux = VerificationScheme(
        "mux",
        .signature(
            SignatureScheme(
                [SignatureField(.hmacSHA256, field: "mux-signature", .hex, list: .pairs(key: "v1"))],
                keyForm: .text, content: [.timestamp, .literal("."), .body],
                timestamp: TimestampField(field: "mux-signature", pairKey: "t"), toleranceSeconds: 300)))
}
