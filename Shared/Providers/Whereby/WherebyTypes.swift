/// Whereby's vocabulary (docs.whereby.com, "Tracking room events with Webhooks"). Visitors who knock and assistants who
/// are asked for have no canonical type: they are `provider.unmapped`, with their meeting as the subject.
///
/// Recordings and transcriptions are known by their own ids, because their webhooks name no meeting.
package enum WherebyTypes {
    package static let all = MappedType.rows(
        by: "data.meetingId",
        """
        room.client.joined participant.joined meetings/{data.meetingId}/participants/{data.participantId}
        room.client.left participant.left meetings/{data.meetingId}/participants/{data.participantId}
        room.session.started session.started meetings/{data.meetingId}
        room.session.ended session.finished meetings/{data.meetingId}
        recording.finished recording.ready recordings/{data.recordingId} data.recordingId
        transcription.started transcription.started transcriptions/{data.transcriptionId} data.transcriptionId
        transcription.finished transcription.ready transcriptions/{data.transcriptionId} data.transcriptionId
        transcription.failed transcription.failed transcriptions/{data.transcriptionId} data.transcriptionId
        """)

    static let mapping = ObjectMapping(
        provider: WherebyProvider.attribute, types: all,
        fallbacks: [MappedType("", MappedType.unmapped, "meetings/{data.meetingId}", by: "data.meetingId")],
        idFields: ["id"], timeFields: ["createdAt"])
}
