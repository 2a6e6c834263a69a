package import JSON
import VerificationSchemes

/// Fishjam (fishjam-dev 0.6.x, formerly Jellyfish, and Fishjam Cloud): protobuf webhooks.
///
/// 0.6.x proves nothing of itself and sends nothing twice: no signature, no id, no time, no retry. A source of it needs
/// a path token, or addresses, or must ask for `none`. Fishjam Cloud signs since 0.29 where a secret is set.
package enum FishjamProvider: Provider {
    package static let name = "fishjam"
    package static let attribute: StaticString = "fishjam"

    /// `x-fishjam-signature-256` is `sha256=` and the hexadecimal HMAC-SHA256 of the raw body
    /// (fishjam-server-sdk 0.31.1, `verify_webhook_signature`).
    package static let signing = Signing.optional(
        VerificationScheme(
            "fishjam",
            .signature(
                SignatureScheme(
                    [SignatureField(.hmacSHA256, field: "x-fishjam-signature-256", .hex, prefix: "sha256=")],
                    keyForm: .text))))

    package static let types = FishjamTypes.all

    /// The token of the WebSocket's handshake, and the address of a composition where it is a WHIP endpoint's or has a
    /// token in it. `FishjamNotification` hides them, in JSON and in protobuf.
    package static let credentials = Credentials(only: ["authRequest.token"])

    package static let payload = PayloadForm.own
}
