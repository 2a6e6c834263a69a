package import JSON
import VerificationSchemes
package import Wire

/// FastPix: JSON webhooks signed with the base64-decoded signing secret over the raw body.
package enum FastPixProvider: Provider {
    package static let name = "fastpix"
    package static let attribute: StaticString = "fastpix"

    /// `FastPix-Signature` is the base64 HMAC-SHA256 of the raw body (FastPix/node-sdk, `src/sdk/webhooks.ts`). No time
    /// is signed, so none is checked.
    package static let signing = Signing.always(
        VerificationScheme(
            "fastpix",
            .signature(
                SignatureScheme(
                    [SignatureField(.hmacSHA256, field: "fastpix-signature", .base64)], keyForm: .base64))))

    /// When a URL is saved, the dashboard sends an unsigned `{}` or nothing, and wants 2xx; `null` says as little. (Since
    /// 2026 it may be a signed object without `id` and `type`, which the normaliser takes for what it is.)
    package static func isProbe(head: RequestHead, body: UnsafeRawBufferPointer) -> Bool {
        guard body.count <= 64, head.value("fastpix-signature") == nil else { return false }
        let text = body.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        return text.isEmpty || text.elementsEqual("{}".utf8) || text.elementsEqual("null".utf8)
    }

    package static let types = FastPixTypes.all
    package static let idSource = "`id`"
    package static let timeSource = "`createdAt`"

    /// Streams have `streamKey`, `srtSecret` (which the documentation also spells `srtSecert`) and `srtPlaybackSecret`,
    /// simulcasts a `streamKey` (fastpix-python 1.2.0, `CreateLiveStreamResponseDTO`); the documentation's tables write
    /// fields in snake case as well. Addresses of direct uploads are hidden by their form.
    package static let credentials = Credentials(
        ["srt_playback_secret", "srt_secert"], spellings: [.camel, .snake])

    package static let payload = PayloadForm.own
}
