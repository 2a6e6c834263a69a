/// Fishjam's vocabulary: the variants of 0.6.x and of later versions, which share one numbering.
///
/// `peer_added` and `peer_deleted` are registrations, `peer_connected` and `peer_disconnected` presence.
package enum FishjamTypes {
    /// Of the event that a connector makes of a time in which it was not connected.
    package static let gap = "connector.gap"

    /// One line for everything that a notification can mean; a variant that means several things has several.
    package static let all: [MappedType] = FishjamVariant.allCases.map(\.mapped).filter {
        $0.canonicalType != MappedType.unmapped
    }
}

/// What a notification means: its variant, told apart further by endpoint and status where those decide.
///
/// The fields of a subject are, in this order, the values that `FishjamServerMessage.meaning` gives with the variant.
package enum FishjamVariant: Int, CaseIterable {
    case roomCreated, roomDeleted, roomCrashed
    case peerAdded, peerDeleted, peerConnected, peerDisconnected, peerCrashed, peerMetadataUpdated
    case componentCrashed, hlsPlayable, hlsUploaded, hlsUploadCrashed
    case peerTrackAdded, peerTrackRemoved, peerTrackMetadataUpdated
    case componentTrackAdded, componentTrackRemoved, componentTrackMetadataUpdated
    case metricsReport
    case streamConnected, streamDisconnected, streamerConnected, streamerDisconnected
    case viewerConnected, viewerDisconnected, channelAdded, channelRemoved
    case trackForwarding, trackForwardingRemoved, vadNotification
    case recordingStarted, recordingStopped, recordingReady, recordingFailed, recordingUnknown
    case authenticated, authRequest, subscribeRequest, subscribeResponse, notificationBatch

    package var mapped: MappedType {
        switch self {
        case .roomCreated: room("room_created", "room.created")
        case .roomDeleted: room("room_deleted", "room.deleted")
        case .roomCrashed: room("room_crashed", "room.crashed")
        case .peerAdded: room("peer_added", "participant.added", "/peers/{peer_id}")
        case .peerDeleted: room("peer_deleted", "participant.removed", "/peers/{peer_id}")
        case .peerConnected: room("peer_connected", "participant.joined", "/peers/{peer_id}")
        case .peerDisconnected: room("peer_disconnected", "participant.left", "/peers/{peer_id}")
        case .peerCrashed: room("peer_crashed", "participant.crashed", "/peers/{peer_id}")
        case .peerMetadataUpdated: room("peer_metadata_updated", "participant.updated", "/peers/{peer_id}")
        case .componentCrashed: room("component_crashed", "component.crashed", "/components/{component_id}")
        case .hlsPlayable: room("hls_playable", "egress.started", "/components/{component_id}")
        case .hlsUploaded: room("hls_uploaded", "recording.ready")
        case .hlsUploadCrashed: room("hls_upload_crashed", "recording.failed")
        case .peerTrackAdded: track("track_added", "track.added", "peers/{peer_id}")
        case .peerTrackRemoved: track("track_removed", "track.removed", "peers/{peer_id}")
        case .peerTrackMetadataUpdated: track("track_metadata_updated", "track.updated", "peers/{peer_id}")
        case .componentTrackAdded: track("track_added", "track.added", "components/{component_id}")
        case .componentTrackRemoved: track("track_removed", "track.removed", "components/{component_id}")
        case .componentTrackMetadataUpdated:
            track("track_metadata_updated", "track.updated", "components/{component_id}")
        case .metricsReport: MappedType("metrics_report", "metrics.report", "metrics", by: "source")
        case .streamConnected: stream("stream_connected", "ingress.started")
        case .streamDisconnected: stream("stream_disconnected", "ingress.stopped")
        case .streamerConnected: stream("streamer_connected", "ingress.started", "/streamers/{streamer_id}")
        case .streamerDisconnected: stream("streamer_disconnected", "ingress.stopped", "/streamers/{streamer_id}")
        case .viewerConnected: stream("viewer_connected", "viewer.joined", "/viewers/{viewer_id}")
        case .viewerDisconnected: stream("viewer_disconnected", "viewer.left", "/viewers/{viewer_id}")
        case .channelAdded: room("channel_added", "channel.added", "/channels/{channel_id}")
        case .channelRemoved: room("channel_removed", "channel.removed", "/channels/{channel_id}")
        case .trackForwarding: room("track_forwarding", "egress.started", "/peers/{peer_id}/inputs/{input_id}")
        case .trackForwardingRemoved:
            room("track_forwarding_removed", "egress.stopped", "/peers/{peer_id}/inputs/{input_id}")
        case .vadNotification: room("vad_notification", "track.voice_activity", "/peers/{peer_id}/tracks/{track_id}")
        case .recordingStarted: recording("recording.started")
        case .recordingStopped: recording("recording.stopped")
        case .recordingReady: recording("recording.ready")
        case .recordingFailed: recording("recording.failed")
        case .recordingUnknown: recording(MappedType.unmapped)
        case .authenticated: control("authenticated")
        case .authRequest: control("auth_request")
        case .subscribeRequest: control("subscribe_request")
        case .subscribeResponse: control("subscribe_response")
        case .notificationBatch: control("notification_batch")
        }
    }

    private func room(_ type: String, _ canonical: String, _ rest: String = "") -> MappedType {
        MappedType(type, canonical, "rooms/{room_id}" + rest, by: "room_id")
    }

    private func track(_ type: String, _ canonical: String, _ endpoint: String) -> MappedType {
        MappedType(type, canonical, "rooms/{room_id}/\(endpoint)/tracks/{track.id}", by: "room_id")
    }

    private func stream(_ type: String, _ canonical: String, _ rest: String = "") -> MappedType {
        MappedType(type, canonical, "streams/{stream_id}" + rest, by: "stream_id")
    }

    private func recording(_ canonical: String) -> MappedType {
        MappedType("recording_status_changed", canonical, "recordings/{recording_id}", by: "recording_id")
    }

    /// What belongs to the WebSocket's handshake, or may not be where it is, announces nothing that has a name here.
    private func control(_ type: String) -> MappedType {
        MappedType(type, MappedType.unmapped, "", by: "")
    }
}
