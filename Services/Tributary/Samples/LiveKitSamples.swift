/// LiveKit's webhooks: `WebhookEvent` as protojson (livekit/protocol, `livekit_webhook.proto`).
enum LiveKitSamples {
    /// Event and members, in the order of the documentation.
    private static let all: [(type: String, members: String)] = [
        ("room_started", room),
        ("room_finished", room),
        ("participant_joined", "\(room),\(participant("ACTIVE"))"),
        ("participant_left", "\(room),\(participant("DISCONNECTED"))"),
        ("participant_connection_aborted", "\(room),\(participant("DISCONNECTED"))"),
        ("track_published", "\(room),\(participant("ACTIVE")),\(track)"),
        ("track_unpublished", "\(room),\(participant("ACTIVE")),\(track)"),
        ("egress_started", egress("EGRESS_STARTING")),
        ("egress_updated", egress("EGRESS_ACTIVE")),
        ("egress_ended", egress("EGRESS_COMPLETE")),
        ("ingress_started", ingress("ENDPOINT_PUBLISHING")),
        ("ingress_ended", ingress("ENDPOINT_INACTIVE")),
    ]

    static let types = all.map(\.type)

    /// The body of one event.
    static func body(_ order: SampleOrder) -> SampleBody? {
        guard let sample = all.first(where: { $0.type == order.type }) else { return nil }
        return SampleBody(
            """
            {"event":"\(order.type)",\(sample.members),"id":"EV_\(order.id)","createdAt":"\(order.createdAtSeconds)"}
            """, eventIDs: ["EV_\(order.id)"])
    }

    private static let room = """
        "room":{"sid":"RM_hycBMAjmt6Ub","name":"town-hall-42","emptyTimeout":300,"creationTime":"1791211700",\
        "enabledCodecs":[{"mime":"audio/opus"},{"mime":"video/VP8"}],"numParticipants":2}
        """

    private static func participant(_ state: String) -> String {
        """
        "participant":{"sid":"PA_6FaQRHYZ7pCq","identity":"john","state":"\(state)","joinedAt":"1791211754",\
        "name":"John Doe","permission":{"canSubscribe":true,"canPublish":true,"canPublishData":true}}
        """
    }

    private static let track = """
        "track":{"sid":"TR_AMs5GEtNVWFHkM","type":"VIDEO","name":"camera","source":"CAMERA","width":1280,\
        "height":720,"mimeType":"video/VP8"}
        """

    private static func egress(_ status: String) -> String {
        """
        "egressInfo":{"egressId":"EG_GdDnmYvUtcgZ","roomId":"RM_hycBMAjmt6Ub","roomName":"town-hall-42",\
        "status":"\(status)","startedAt":"1791211754000000000","roomComposite":{"roomName":"town-hall-42",\
        "layout":"speaker","fileOutputs":[{"filepath":"town-hall-42.mp4"}]}}
        """
    }

    private static func ingress(_ status: String) -> String {
        """
        "ingressInfo":{"ingressId":"IN_aQxCAEcvKQMc","name":"stage camera","streamKey":"k9Q3-not-a-real-key",\
        "url":"rtmps://ingress.example.invalid/x","inputType":"RTMP_INPUT","roomName":"town-hall-42",\
        "participantIdentity":"camera","state":{"status":"\(status)","roomId":"RM_hycBMAjmt6Ub",\
        "startedAt":"1791211754000000000"}}
        """
    }
}
