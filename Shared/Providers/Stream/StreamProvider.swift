package import JSON
import VerificationSchemes

/// Stream Video (getstream.io): JSON webhooks, optionally gzip, signed with the API secret over the uncompressed body;
/// `X-API-KEY` says which app sent them. It sends no probe.
package enum StreamProvider: Provider {
    package static let name = "stream"
    package static let attribute: StaticString = "stream"

    /// `X-SIGNATURE` is the hexadecimal HMAC-SHA256 of the uncompressed body with the secret of the app that
    /// `X-API-KEY` names (GetStream's SDKs, `verify_and_parse_webhook`).
    package static let signing = Signing.always(
        VerificationScheme(
            "stream",
            .signature(
                SignatureScheme(
                    [SignatureField(.hmacSHA256, field: "x-signature", .hex)], keyForm: .text,
                    keyField: "x-api-key", signsInflatedBody: true, idField: "x-webhook-id"))))

    package static let types = StreamTypes.all
    package static let idSource = "`X-WEBHOOK-ID`; of SQS and SNS the message id"
    package static let timeSource = "`created_at` (RFC 3339 or integer nanoseconds)"

    /// `call.ingress` has addresses that end in the stream key; `stream_url` of an egress (getstream 7.0.0,
    /// `EgressRTMPResponse`, `RTMPLocation`) may do so too. `client_ip` is no credential but a person's. Left are what the
    /// application adds, the CDN's signed links to images, and those to recordings, transcripts and frames.
    package static let credentials = Credentials(
        ["stream_url", "rtmp_url"], places: ["call.ingress.*.address", "ingress.*.address", "client_ip"],
        left: ["**.custom", "**.image", "**.playlist_url", "**.hls_playlist_url", "**.url"])

    package static let payload = PayloadForm.object(StreamTypes.mapping)
}
