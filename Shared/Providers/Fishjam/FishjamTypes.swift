/// Fishjam's vocabulary: the variants of 0.6.x and of later versions, which share one numbering. The names in subjects are
/// those of the variant's fields. What belongs to the WebSocket's handshake announces nothing that has a name here.
///
/// `peer_added` and `peer_deleted` are registrations, `peer_connected` and `peer_disconnected` presence.
package enum FishjamTypes {
    /// Of the event that a connector makes of a time in which it was not connected.
    package static let gap = "connector.gap"

    /// One line for everything that a notification can mean. A variant that means several things has several: of a track
    /// the one counts whose subject the notification can fill furthest, of a recording the one of its status, from 1 on.
    package static let all: [MappedType] = [
        room("room_created", "room.created"),
        room("room_deleted", "room.deleted"),
        room("room_crashed", "room.crashed"),
        room("peer_added", "participant.added", "/peers/{peer_id}"),
        room("peer_deleted", "participant.removed", "/peers/{peer_id}"),
        room("peer_connected", "participant.joined", "/peers/{peer_id}"),
        room("peer_disconnected", "participant.left", "/peers/{peer_id}"),
        room("peer_crashed", "participant.crashed", "/peers/{peer_id}"),
        room("peer_metadata_updated", "participant.updated", "/peers/{peer_id}"),
        room("component_crashed", "component.crashed", "/components/{component_id}"),
        room("hls_playable", "egress.started", "/components/{component_id}"),
        room("hls_uploaded", "recording.ready"),
        room("hls_upload_crashed", "recording.failed"),
        room("track_added", "track.added", "/peers/{peer_id}/tracks/{track.id}"),
        room("track_removed", "track.removed", "/peers/{peer_id}/tracks/{track.id}"),
        room("track_metadata_updated", "track.updated", "/peers/{peer_id}/tracks/{track.id}"),
        room("track_added", "track.added", "/components/{component_id}/tracks/{track.id}"),
        room("track_removed", "track.removed", "/components/{component_id}/tracks/{track.id}"),
        room("track_metadata_updated", "track.updated", "/components/{component_id}/tracks/{track.id}"),
        MappedType("metrics_report", "metrics.report", "metrics", by: "source"),
        stream("stream_connected", "ingress.started"),
        stream("stream_disconnected", "ingress.stopped"),
        stream("streamer_connected", "ingress.started", "/streamers/{streamer_id}"),
        stream("streamer_disconnected", "ingress.stopped", "/streamers/{streamer_id}"),
        stream("viewer_connected", "viewer.joined", "/viewers/{viewer_id}"),
        stream("viewer_disconnected", "viewer.left", "/viewers/{viewer_id}"),
        room("channel_added", "channel.added", "/channels/{channel_id}"),
        room("channel_removed", "channel.removed", "/channels/{channel_id}"),
        room("track_forwarding", "egress.started", "/peers/{peer_id}/inputs/{input_id}"),
        room("track_forwarding_removed", "egress.stopped", "/peers/{peer_id}/inputs/{input_id}"),
        room("vad_notification", "track.voice_activity", "/peers/{peer_id}/tracks/{track_id}"),
        recording("recording.started"), recording("recording.stopped"), recording("recording.ready"),
        recording("recording.failed"),
    ]

    private static func room(_ type: String, _ canonical: String, _ rest: String = "") -> MappedType {
        MappedType(type, canonical, "rooms/{room_id}" + rest, by: "room_id")
    }

    private static func stream(_ type: String, _ canonical: String, _ rest: String = "") -> MappedType {
        MappedType(type, canonical, "streams/{stream_id}" + rest, by: "stream_id")
    }

    package static func recording(_ canonical: String) -> MappedType {
        MappedType("recording_status_changed", canonical, "recordings/{recording_id}", by: "recording_id")
    }
}
