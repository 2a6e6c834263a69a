package import JSON
import Primitives
package import VerificationSchemes
package import Wire

/// Daily: JSON webhooks of meetings, participants, recordings, transcripts and streams. Three failures in a row switch
/// a webhook off, so everything that is genuine gets 2xx.
package enum DailyProvider: Provider {
    package static let name = "daily"
    package static let attribute: StaticString = "daily"

    package static let signing = Signing.always(SchemePresets.daily)
    /// 200 is the only status that it documents as success (docs.daily.co, "Webhooks").
    package static let answer: SuccessAnswer? = .okJSON

    /// When a webhook is created, Daily posts `{"test":"test"}` and wants 200 quickly.
    package static func isProbe(head: RequestHead, body: UnsafeRawBufferPointer) -> Bool {
        guard body.count <= 64 else { return false }
        return body.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }.elementsEqual(
            #"{"test":"test"}"#.utf8)
    }

    package static let types = DailyTypes.all
    package static let idSource = "`id`"
    package static let timeSource = "`event_ts` (seconds)"

    /// The addresses of live streams, which hold the platforms' stream keys, and tokens of rooms and recordings
    /// (docs.daily.co, REST API). Left are links to what is ready to be downloaded.
    package static let credentials = Credentials(
        ["endpoint", "endpoints", "rtmp_url"], spellings: [.snake, .camel],
        left: ["**.download_link", "**.download_url"])

    package static let payload = PayloadForm.object(DailyTypes.mapping)
}

extension SchemePresets {
    /// `X-Webhook-Signature` is the base64 HMAC-SHA256 of `<X-Webhook-Timestamp>.<body>` with the base64-decoded secret
    /// (docs.daily.co, "Webhooks"; the exact text from independent implementations). No tolerance is stated and whether
    /// a retry is stamped anew is not either, so the age is not judged.
    package static let daily = VerificationScheme(
        "daily",
        .signature(
            SignatureScheme(
                [SignatureField(.hmacSHA256, field: "x-webhook-signature", .base64)], keyForm: .base64,
                content: [.timestamp, .literal("."), .body],
                timestamp: TimestampField(field: "x-webhook-timestamp", unit: .milliseconds))))
}
