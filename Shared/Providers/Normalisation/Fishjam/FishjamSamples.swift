import SwiftProtobuf

/// A body of every variant, made of one room with one peer.
package enum FishjamSamples {
    /// The variants by their names on the wire, the WebSocket's handshake last; `notification_batch` is a batch of three.
    package static let types: [String] = samples.map { $0.type }

    /// The protobuf bytes of a webhook; nil where `type` is none of `types`.
    package static func body(of type: String) -> [UInt8]? {
        guard let content = samples.first(where: { $0.type == type })?.content else { return nil }
        return bytes(of: content)
    }

    private typealias Notification = FishjamServerMessage
    private typealias Sample = (type: String, content: Notification.OneOf_Content)

    private static let room = "b2e7d6a4-6b0f-4a52-9f53-0f3a9e8c1d11"
    private static let peer = "0e1c7f2a-9d4b-4b6e-8a3e-5c2d1f0b9a77"
    private static let component = "c7a1d9e0-3f5b-4c88-b0a2-6d4e2f1a8b33"
    private static let stream = "stream-1"
    private static let composition = "https://composition.example.com/1"

    private static let samples: [Sample] = rooms + tracks + laterStreams + laterRooms + [batch] + handshake

    private static func bytes(of content: Notification.OneOf_Content) -> [UInt8]? {
        try? Notification.with { $0.content = content }.serializedBytes()
    }

    private static let track = Notification.Track.with {
        $0.id = "\(peer):1f0c2f0e-7a55-4c7e-8f0e-2f6f5f1b7c01"
        $0.type = .video
        $0.metadata = "{\"source\":\"camera\"}"
    }

    /// Rooms, their peers and their components.
    private static let rooms: [Sample] = [
        ("room_created", .roomCreated(.with { $0.roomID = room })),
        ("room_deleted", .roomDeleted(.with { $0.roomID = room })),
        ("room_crashed", .roomCrashed(.with { $0.roomID = room })),
        ("peer_added", .peerAdded(.with { ($0.roomID, $0.peerID) = (room, peer) })),
        ("peer_deleted", .peerDeleted(.with { ($0.roomID, $0.peerID) = (room, peer) })),
        ("peer_connected", .peerConnected(.with { ($0.roomID, $0.peerID) = (room, peer) })),
        ("peer_disconnected", .peerDisconnected(.with { ($0.roomID, $0.peerID) = (room, peer) })),
        (
            "peer_crashed",
            .peerCrashed(.with { ($0.roomID, $0.peerID, $0.reason) = (room, peer, "internal error") })
        ),
        (
            "peer_metadata_updated",
            .peerMetadataUpdated(.with { ($0.roomID, $0.peerID, $0.metadata) = (room, peer, "{\"name\":\"John\"}") })
        ),
        ("component_crashed", .componentCrashed(.with { ($0.roomID, $0.componentID) = (room, component) })),
        ("hls_playable", .hlsPlayable(.with { ($0.roomID, $0.componentID) = (room, component) })),
        ("hls_uploaded", .hlsUploaded(.with { $0.roomID = room })),
        ("hls_upload_crashed", .hlsUploadCrashed(.with { $0.roomID = room })),
    ]

    private static let tracks: [Sample] = [
        ("track_added", .trackAdded(.with { ($0.roomID, $0.peerID, $0.track) = (room, peer, track) })),
        ("track_removed", .trackRemoved(.with { ($0.roomID, $0.componentID, $0.track) = (room, component, track) })),
        (
            "track_metadata_updated",
            .trackMetadataUpdated(.with { ($0.roomID, $0.peerID, $0.track) = (room, peer, track) })
        ),
        ("metrics_report", .metricsReport(.with { $0.metrics = "{\"room_id=\(room)\":{\"ice.bytes_sent\":1022}}" })),
    ]

    private static let laterStreams: [Sample] = [
        ("stream_connected", .streamConnected(.with { $0.streamID = stream })),
        ("stream_disconnected", .streamDisconnected(.with { $0.streamID = stream })),
        ("viewer_connected", .viewerConnected(.with { ($0.streamID, $0.viewerID) = (stream, "viewer-1") })),
        ("viewer_disconnected", .viewerDisconnected(.with { ($0.streamID, $0.viewerID) = (stream, "viewer-1") })),
        ("streamer_connected", .streamerConnected(.with { ($0.streamID, $0.streamerID) = (stream, "streamer-1") })),
        (
            "streamer_disconnected",
            .streamerDisconnected(.with { ($0.streamID, $0.streamerID) = (stream, "streamer-1") })
        ),
    ]

    private static let laterRooms: [Sample] = [
        (
            "channel_added",
            .channelAdded(.with { ($0.roomID, $0.peerID, $0.channelID) = (room, peer, "channel-1") })
        ),
        (
            "channel_removed",
            .channelRemoved(.with { ($0.roomID, $0.peerID, $0.channelID) = (room, peer, "channel-1") })
        ),
        (
            "track_forwarding",
            .trackForwarding(
                .with {
                    ($0.roomID, $0.peerID, $0.inputID) = (room, peer, "input-1")
                    ($0.compositionURL, $0.videoTrack) = (composition, track)
                })
        ),
        (
            "track_forwarding_removed",
            .trackForwardingRemoved(
                .with {
                    ($0.roomID, $0.peerID, $0.inputID) = (room, peer, "input-1")
                    $0.compositionURL = composition
                })
        ),
        (
            "vad_notification",
            .vadNotification(
                .with { ($0.roomID, $0.peerID, $0.trackID, $0.status) = (room, peer, track.id, .speech) })
        ),
        (
            "recording_status_changed",
            .recordingStatusChanged(.with { ($0.recordingID, $0.status, $0.metadata) = ("rec-1", .available, "{}") })
        ),
    ]

    private static let batch: Sample = (
        "notification_batch",
        .notificationBatch(
            .with {
                $0.notifications = [rooms[0], rooms[3], rooms[5]].map { sample in .with { $0.content = sample.content }
                }
            })
    )

    /// What never comes by webhook.
    private static let handshake: [Sample] = [
        ("authenticated", .authenticated(.init())),
        ("auth_request", .authRequest(.with { $0.token = "development" })),
        ("subscribe_request", .subscribeRequest(.with { $0.eventType = .serverNotification })),
        ("subscribe_response", .subscribeResponse(.with { $0.eventType = .serverNotification })),
    ]
}
