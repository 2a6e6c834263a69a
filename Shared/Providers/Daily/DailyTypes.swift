/// Daily's vocabulary (docs.daily.co, REST API, "Webhook events"). Waiting participants, telephony and batch jobs have no
/// canonical type: they are `provider.unmapped`, with the subject given here or their room.
///
/// Recordings, transcripts and live streams are known by their own ids, because not each of their webhooks names the
/// room.
package enum DailyTypes {
    package static let all = MappedType.rows(
        by: "room",
        """
        meeting.started session.started rooms/{room}/sessions/{payload.meeting_id}
        meeting.ended session.finished rooms/{room}/sessions/{payload.meeting_id}
        participant.joined participant.joined rooms/{room}/participants/{payload.session_id}
        participant.left participant.left rooms/{room}/participants/{payload.session_id}
        recording.started recording.started recordings/{payload.recording_id} payload.recording_id
        recording.ready-to-download recording.ready recordings/{payload.recording_id} payload.recording_id
        recording.error recording.failed rooms/{room}
        transcript.started transcription.started transcripts/{payload.id} payload.id
        transcript.ready-to-download transcription.ready transcripts/{payload.id} payload.id
        transcript.error transcription.failed transcripts/{payload.id} payload.id
        streaming.started egress.started egress/{payload.instance_id} payload.instance_id
        streaming.updated egress.updated egress/{payload.instance_id} payload.instance_id
        streaming.ended egress.stopped egress/{payload.instance_id} payload.instance_id
        streaming.error egress.failed egress/{payload.instance_id} payload.instance_id
        """)

    static let mapping = ObjectMapping(
        provider: DailyProvider.attribute, types: all,
        fallbacks: [MappedType("", MappedType.unmapped, "rooms/{room}", by: "room")],
        idFields: ["id"], timeFields: ["event_ts"], timeUnit: .seconds,
        aliases: ["room": ["payload.room", "payload.room_name"]])
}
