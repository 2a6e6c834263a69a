/// A field of one of Fishjam's messages: number and name as in its `.proto`.
final class FishjamField: Sendable {
    enum Kind {
        case text
        /// A secret, hidden as a whole.
        case token
        /// An address, hidden where it is a credential by its form.
        case address
        /// The names of an enumeration by their numbers.
        case names([String])
        case message([FishjamField])
        /// A list of `ServerMessage`s.
        case notifications
    }

    let number: Int
    let name: String
    let kind: Kind
    /// Whether it belongs to the message's `oneof`, of which no message here has two.
    let isChoice: Bool
    /// The name as a key of proto3 JSON, with its colon.
    let key: [UInt8]

    init(_ number: Int, _ name: String, _ kind: Kind = .text, isChoice: Bool = false) {
        self.number = number
        self.name = name
        self.kind = kind
        self.isChoice = isChoice
        let words = name.split(separator: "_")
        let camelCase = words[0] + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        key = Array("\"\(camelCase)\":".utf8)
    }
}

/// What Fishjam's server notifies, as far as this build knows it: the 21 variants of 0.6.x and what later versions added
/// (fishjam-cloud/protos, read from PyPI fishjam-server-sdk 0.5.0 and 0.31.1). Field numbers were never used again, so one
/// table serves all versions.
enum FishjamSchema {
    static let batch = 33
    static let recordingStatusChanged = 34

    /// The variants: the fields of `ServerMessage`.
    static let variants: [FishjamField] = [
        ("room_crashed", room), ("peer_connected", peer), ("peer_disconnected", peer),
        ("peer_crashed", ids("room_id", "peer_id", "reason") + [peerType(4)]),
        ("component_crashed", component), ("authenticated", []), ("auth_request", [FishjamField(1, "token", .token)]),
        ("subscribe_request", eventType), ("subscribe_response", eventType), ("room_created", room),
        ("room_deleted", room), ("metrics_report", ids("metrics")), ("hls_playable", component),
        ("hls_uploaded", room), ("hls_upload_crashed", room),
        ("peer_metadata_updated", ids("room_id", "peer_id", "metadata") + [peerType(4)]),
        ("track_added", endpoint + [track(4, "track")]), ("track_removed", endpoint + [track(4, "track")]),
        ("track_metadata_updated", endpoint + [track(4, "track")]), ("peer_added", peer), ("peer_deleted", peer),
        // Later than 0.6.x.
        ("stream_connected", ids("stream_id")), ("stream_disconnected", ids("stream_id")),
        ("viewer_connected", ids("stream_id", "viewer_id")), ("viewer_disconnected", ids("stream_id", "viewer_id")),
        ("streamer_connected", ids("stream_id", "streamer_id")),
        ("streamer_disconnected", ids("stream_id", "streamer_id")),
        ("channel_added", endpoint + [FishjamField(4, "channel_id")]),
        ("channel_removed", endpoint + [FishjamField(4, "channel_id")]),
        ("track_forwarding", forwarding + [track(5, "audio_track"), track(6, "video_track")]),
        ("track_forwarding_removed", forwarding),
        (
            "vad_notification",
            ids("room_id", "peer_id", "track_id") + [status(4, ["UNSPECIFIED", "SILENCE", "SPEECH"])]
        ),
        ("notification_batch", [FishjamField(1, "notifications", .notifications)]),
        (
            "recording_status_changed",
            [
                FishjamField(1, "recording_id"),
                status(2, ["UNSPECIFIED", "ACTIVE", "FINISHED", "AVAILABLE", "FAILED"]), FishjamField(3, "metadata"),
            ]
        ),
    ].enumerated().map { FishjamField($0 + 1, $1.0, .message($1.1), isChoice: true) }

    private static let room = ids("room_id")
    private static let peer = ids("room_id", "peer_id") + [peerType(3)]
    private static let component = ids("room_id", "component_id")
    private static let endpoint = [
        FishjamField(1, "room_id"), FishjamField(2, "peer_id", isChoice: true),
        FishjamField(3, "component_id", isChoice: true),
    ]
    private static let forwarding = [
        FishjamField(1, "room_id"), FishjamField(2, "peer_id"), FishjamField(3, "composition_url", .address),
        FishjamField(4, "input_id"),
    ]
    private static let eventType = [
        FishjamField(1, "event_type", names("EVENT_TYPE_", ["UNSPECIFIED", "SERVER_NOTIFICATION", "METRICS"]))
    ]

    /// Texts numbered from 1 on.
    private static func ids(_ fields: String...) -> [FishjamField] {
        fields.enumerated().map { FishjamField($0 + 1, $1) }
    }

    private static func names(_ prefix: String, _ names: [String]) -> FishjamField.Kind {
        .names(names.map { prefix + $0 })
    }

    private static func peerType(_ number: Int) -> FishjamField {
        FishjamField(number, "peer_type", names("PEER_TYPE_", ["UNSPECIFIED", "WEBRTC", "AGENT", "VAPI"]))
    }

    private static func status(_ number: Int, _ values: [String]) -> FishjamField {
        FishjamField(number, "status", names("STATUS_", values))
    }

    private static func track(_ number: Int, _ name: String) -> FishjamField {
        let type = FishjamField(2, "type", names("TRACK_TYPE_", ["UNSPECIFIED", "VIDEO", "AUDIO"]))
        return FishjamField(number, name, .message([FishjamField(1, "id"), type, FishjamField(3, "metadata")]))
    }
}
