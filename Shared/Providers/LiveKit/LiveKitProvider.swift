/// LiveKit: protojson webhooks (`application/webhook+json`) of rooms, participants, tracks, egress and ingress. It
/// keeps the order of each room and drops what its queue of 100 cannot hold. It sends no probe.
package enum LiveKitProvider: Provider {
    package static let name = "livekit"
    package static let attribute: StaticString = "livekit"

    package static let signing = Signing.always(SchemePresets.liveKit)

    package static let types = LiveKitTypes.all
    package static let idSource = "`id`"
    package static let timeSource = "`createdAt` (seconds as text)"

    package static func makeNormaliser(_ options: MappingOptions) -> any WebhookNormaliser {
        ObjectNormaliser(LiveKitTypes.mapping)
    }
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
