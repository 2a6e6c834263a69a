package import JSON
package import VerificationSchemes

/// LiveKit: protojson webhooks (`application/webhook+json`) of rooms, participants, tracks, egress and ingress. It
/// keeps the order of each room and drops what its queue of 100 cannot hold. It sends no probe.
package enum LiveKitProvider: Provider {
    package static let name = "livekit"
    package static let attribute: StaticString = "livekit"

    package static let signing = Signing.always(SchemePresets.liveKit)

    package static let types = LiveKitTypes.all
    package static let idSource = "`id`"
    package static let timeSource = "`createdAt` (seconds as text)"

    /// livekit/protocol (`livekit_models`, `livekit_egress`, `livekit_ingress`, as of livekit-protocol 1.1.29): the TURN
    /// password of a room; an ingress' stream key and address, which may be one to pull from with a token in it; the
    /// addresses that an egress streams to, in its request and its results; the keys of stores and proxies that it writes
    /// through, and the name of the key that signs its own webhooks. Protojson has lower camel case, or the proto's names.
    /// Left are the places where files were written.
    package static let credentials = Credentials(
        ["turn_password", "urls", "websocket_url", "assume_role_external_id"], spellings: [.camel, .snake],
        places: [
            "ingressInfo.url", "ingress_info.url", "egressInfo.streamResults.*.url", "egress_info.stream_results.*.url",
            "egressInfo.stream.info.*.url", "egress_info.stream.info.*.url",
        ],
        left: [
            "**.location", "**.playlistLocation", "**.playlist_location", "**.livePlaylistLocation",
            "**.live_playlist_location", "**.manifestLocation", "**.manifest_location",
        ])

    package static let payload = PayloadForm.object(LiveKitTypes.mapping)
}

extension SchemePresets {
    /// `Authorization` is a bare JWT signed with the API secret; its issuer is the API key and its claim `sha256` the
    /// body's hash (livekit/protocol, `webhook/verifier.go`, `auth/verifier.go`: one minute of leeway).
    package static let liveKit = VerificationScheme(
        "livekit",
        .jwt(
            JWTScheme(
                field: "authorization", bodyDigestClaim: "sha256", leewaySeconds: 60, issuerNamesKey: true)))
}
