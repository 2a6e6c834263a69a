package import JSON
import VerificationSchemes

/// Whereby: JSON webhooks of meeting rooms, recordings and transcriptions, sent at most three times, and again only
/// after a 5xx or five seconds without an answer. It documents no probe.
package enum WherebyProvider: Provider {
    package static let name = "whereby"
    package static let attribute: StaticString = "whereby"

    /// `Whereby-Signature: t=…,v1=…` is the hexadecimal HMAC-SHA256 of `<t>.<body>` (docs.whereby.com, "Tracking room
    /// events with Webhooks", "Validating events").
    package static let signing = Signing.always(
        VerificationScheme(
            "whereby",
            .signature(
                SignatureScheme(
                    [SignatureField(.hmacSHA256, field: "whereby-signature", .hex, list: .pairs(key: "v1"))],
                    keyForm: .text, content: [.timestamp, .literal("."), .body],
                    timestamp: TimestampField(field: "whereby-signature", pairKey: "t"), toleranceSeconds: 300))))

    package static let types = WherebyTypes.all
    package static let idSource = "`id`"
    package static let timeSource = "`createdAt`"

    /// None of the documented fields is a credential.
    package static let credentials = Credentials()

    package static let payload = PayloadForm.object(WherebyTypes.mapping)
}
