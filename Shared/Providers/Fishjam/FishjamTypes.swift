/// Fishjam's vocabulary: the variants of 0.6.x and of later versions, which share one numbering. The names in subjects are
/// those of the variant's fields. What belongs to the WebSocket's handshake announces nothing that has a name here.
///
/// `peer_added` and `peer_deleted` are registrations, `peer_connected` and `peer_disconnected` presence.
package enum FishjamTypes {
    /// Of the event that a connector makes of a time in which it was not connected.
    package static let gap = "connector.gap"

    /// One line for everything that a notification can mean. A variant that means several things has several: of a track
    /// the one counts whose subject the notification can fill furthest, of a recording the one of its status, from 1 on.
    package static let all = MappedType.rows(
        by: "room_id",
        """
        room_created room.created rooms/{room_id}
        room_deleted room.deleted rooms/{room_id}
        room_crashed room.crashed rooms/{room_id}
        peer_added participant.added rooms/{room_id}/peers/{peer_id}
        peer_deleted participant.removed rooms/{room_id}/peers/{peer_id}
        peer_connected participant.joined rooms/{room_id}/peers/{peer_id}
        peer_disconnected participant.left rooms/{room_id}/peers/{peer_id}
        peer_crashed participant.crashed rooms/{room_id}/peers/{peer_id}
        peer_metadata_updated participant.updated rooms/{room_id}/peers/{peer_id}
        component_crashed component.crashed rooms/{room_id}/components/{component_id}
        hls_playable egress.started rooms/{room_id}/components/{component_id}
        hls_uploaded recording.ready rooms/{room_id}
        hls_upload_crashed recording.failed rooms/{room_id}
        track_added track.added rooms/{room_id}/peers/{peer_id}/tracks/{track.id}
        track_removed track.removed rooms/{room_id}/peers/{peer_id}/tracks/{track.id}
        track_metadata_updated track.updated rooms/{room_id}/peers/{peer_id}/tracks/{track.id}
        track_added track.added rooms/{room_id}/components/{component_id}/tracks/{track.id}
        track_removed track.removed rooms/{room_id}/components/{component_id}/tracks/{track.id}
        track_metadata_updated track.updated rooms/{room_id}/components/{component_id}/tracks/{track.id}
        metrics_report metrics.report metrics source
        stream_connected ingress.started streams/{stream_id} stream_id
        stream_disconnected ingress.stopped streams/{stream_id} stream_id
        streamer_connected ingress.started streams/{stream_id}/streamers/{streamer_id} stream_id
        streamer_disconnected ingress.stopped streams/{stream_id}/streamers/{streamer_id} stream_id
        viewer_connected viewer.joined streams/{stream_id}/viewers/{viewer_id} stream_id
        viewer_disconnected viewer.left streams/{stream_id}/viewers/{viewer_id} stream_id
        channel_added channel.added rooms/{room_id}/channels/{channel_id}
        channel_removed channel.removed rooms/{room_id}/channels/{channel_id}
        track_forwarding egress.started rooms/{room_id}/peers/{peer_id}/inputs/{input_id}
        track_forwarding_removed egress.stopped rooms/{room_id}/peers/{peer_id}/inputs/{input_id}
        vad_notification track.voice_activity rooms/{room_id}/peers/{peer_id}/tracks/{track_id}
        recording_status_changed recording.started recordings/{recording_id} recording_id
        recording_status_changed recording.stopped recordings/{recording_id} recording_id
        recording_status_changed recording.ready recordings/{recording_id} recording_id
        recording_status_changed recording.failed recordings/{recording_id} recording_id
        """)

    package static func recording(_ canonical: String) -> MappedType {
        MappedType("recording_status_changed", canonical, "recordings/{recording_id}", by: "recording_id")
    }
}
