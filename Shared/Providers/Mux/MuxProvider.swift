package import JSON
package import VerificationSchemes

/// Mux Video: JSON webhooks of live streams, assets and uploads, sent again for 24 hours until they get 2xx. It sends
/// no probe.
package enum MuxProvider: Provider {
    package static let name = "mux"
    package static let attribute: StaticString = "mux"

    package static let signing = Signing.always(SchemePresets.mux)

    package static let types = MuxTypes.all
    package static let idSource = "`id`"
    package static let timeSource = "`created_at`"

    /// `stream_key` and `srt_passphrase` of live streams, `stream_key` of simulcast targets, whose `url` may hold it too
    /// (mux-python 5.1.2, `LiveStream`, `SimulcastTarget`); the signed `url` that an upload is put to is hidden by its
    /// form, and that of old uploads by its place. Left is the link to a master, which is what its event is for.
    package static let credentials = Credentials(places: ["data.upload.url"], left: ["data.master.url"])

    package static let payload = PayloadForm.object(MuxTypes.mapping)
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
