/// Daily's vocabulary (docs.daily.co, REST API, "Webhook events"). Waiting participants, telephony and batch jobs have no
/// canonical type: they are `provider.unmapped`, with the subject given here or their room.
///
/// Recordings, transcripts and live streams are known by their own ids, because not each of their webhooks names the
/// room.
package enum DailyTypes {
    package static let all: [MappedType] = [
        MappedType("meeting.started", "session.started", "rooms/{room}/sessions/{payload.meeting_id}", by: "room"),
        MappedType("meeting.ended", "session.finished", "rooms/{room}/sessions/{payload.meeting_id}", by: "room"),
        MappedType(
            "participant.joined", "participant.joined", "rooms/{room}/participants/{payload.session_id}", by: "room"),
        MappedType(
            "participant.left", "participant.left", "rooms/{room}/participants/{payload.session_id}", by: "room"),
        MappedType(
            "recording.started", "recording.started", "recordings/{payload.recording_id}",
            by: "payload.recording_id"),
        MappedType(
            "recording.ready-to-download", "recording.ready", "recordings/{payload.recording_id}",
            by: "payload.recording_id"),
        MappedType("recording.error", "recording.failed", "rooms/{room}", by: "room"),
        MappedType("transcript.started", "transcription.started", "transcripts/{payload.id}", by: "payload.id"),
        MappedType("transcript.ready-to-download", "transcription.ready", "transcripts/{payload.id}", by: "payload.id"),
        MappedType("transcript.error", "transcription.failed", "transcripts/{payload.id}", by: "payload.id"),
        MappedType("streaming.started", "egress.started", "egress/{payload.instance_id}", by: "payload.instance_id"),
        MappedType("streaming.updated", "egress.updated", "egress/{payload.instance_id}", by: "payload.instance_id"),
        MappedType("streaming.ended", "egress.stopped", "egress/{payload.instance_id}", by: "payload.instance_id"),
        MappedType("streaming.error", "egress.failed", "egress/{payload.instance_id}", by: "payload.instance_id"),
    ]

    static let mapping = ObjectMapping(
        provider: DailyProvider.attribute, types: all,
        fallbacks: [MappedType("", MappedType.unmapped, "rooms/{room}", by: "room")],
        idFields: ["id"], timeFields: ["event_ts"], timeUnit: .seconds,
        aliases: ["room": ["payload.room", "payload.room_name"]])
}
