package import JSON

/// eyeson Secure Stream Recording, "StreamRec" (docs.eyeson.com/docs/streamrec/references/webhooks): four JSON
/// call-backs to a URL that the client itself names when it opens a session. Nothing is signed and no header is
/// documented, so that URL should hold a path token. It sends no probe; how it retries is not documented.
package enum EyesonProvider: Provider {
    package static let name = "eyeson-streamrec"
    package static let attribute: StaticString = "eyeson"
    package static let signing = Signing.never
    package static let types = EyesonTypes.all
    package static let idSource = "made of `status` and what it is about"
    package static let timeSource = "received-at"

    /// Webhooks have none. Its other messages, of which later ones may tell, have addresses to upload and to call back to,
    /// whose possession is all that they ask for, and the credentials of a connection.
    package static let credentials = Credentials([
        "guest_link", "guest_token", "ice_credentials", "master_key", "sdp", "upload_url", "webhook_url", "ws_endpoint",
    ])

    package static let payload = PayloadForm.object(EyesonTypes.mapping)
}
