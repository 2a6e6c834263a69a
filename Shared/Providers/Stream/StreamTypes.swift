/// Stream's vocabulary (GetStream/protocol, OpenAPI v2, serverside API v236.0.4): every event type that it documents.
///
/// `call.ended` closes a call for all; `call.session_ended` says that the last participant left, and the call may
/// start again.
package enum StreamTypes {
    package static let all: [MappedType] = calls + invites + participants + egress + users

    /// Calls and their sessions, and what an application sends on its own account.
    private static let calls = MappedType.rows(
        by: "call_cid",
        """
        call.created room.created calls/{call_cid}
        call.updated room.updated calls/{call_cid}
        call.deleted room.deleted calls/{call_cid}
        call.ended room.ended calls/{call_cid}
        call.live_started stream.started calls/{call_cid}
        call.session_started session.started calls/{call_cid}/sessions/{session_id}
        call.session_ended session.finished calls/{call_cid}/sessions/{session_id}
        call.stats_report_ready session.report_ready calls/{call_cid}/sessions/{session_id}
        call.user_feedback_submitted session.feedback calls/{call_cid}/sessions/{session_id}/users/{user.id}
        custom custom.event calls/{call_cid}
        """)

    /// Ringing and its answers.
    private static let invites = MappedType.rows(
        by: "call_cid",
        """
        call.ring invite.ringing calls/{call_cid}/sessions/{session_id}
        call.notification invite.notified calls/{call_cid}/sessions/{session_id}
        call.accepted invite.accepted calls/{call_cid}/users/{user.id}
        call.rejected invite.rejected calls/{call_cid}/users/{user.id}
        call.missed invite.missed calls/{call_cid}/sessions/{session_id}
        """)

    /// Who is in a call and what they do or may do.
    private static let participants = MappedType.rows(
        by: "call_cid",
        """
        call.session_participant_joined participant.joined calls/{call_cid}/sessions/{session_id}/participants/{participant.user_session_id}
        call.session_participant_left participant.left calls/{call_cid}/sessions/{session_id}/participants/{participant.user_session_id}
        call.session_participant_count_updated participant.count_updated calls/{call_cid}/sessions/{session_id}
        call.member_added member.added calls/{call_cid}
        call.member_removed member.removed calls/{call_cid}
        call.member_updated member.updated calls/{call_cid}
        call.member_updated_permission member.updated calls/{call_cid}
        call.blocked_user participant.blocked calls/{call_cid}/users/{user.id}
        call.unblocked_user participant.unblocked calls/{call_cid}/users/{user.id}
        call.kicked_user participant.kicked calls/{call_cid}/users/{user.id}
        call.user_muted participant.muted calls/{call_cid}
        call.permission_request permission.requested calls/{call_cid}/users/{user.id}
        call.permissions_updated permission.updated calls/{call_cid}/users/{user.id}
        call.dtmf participant.dtmf calls/{call_cid}/users/{user.id}
        call.reaction_new reaction.added calls/{call_cid}/users/{reaction.user.id}
        call.moderation_blur moderation.blurred calls/{call_cid}/users/{user_id}
        call.moderation_warning moderation.warned calls/{call_cid}/users/{user_id}
        """)

    /// What goes into and out of a call: recordings, frames, transcripts, captions, broadcasts, ingress.
    private static let egress = MappedType.rows(
        by: "call_cid",
        """
        call.recording_started recording.started calls/{call_cid}/egress/{egress_id}
        call.recording_stopped recording.stopped calls/{call_cid}/egress/{egress_id}
        call.recording_ready recording.ready calls/{call_cid}/egress/{egress_id}
        call.recording_failed recording.failed calls/{call_cid}/egress/{egress_id}
        call.frame_recording_started snapshot.started calls/{call_cid}/egress/{egress_id}
        call.frame_recording_stopped snapshot.stopped calls/{call_cid}/egress/{egress_id}
        call.frame_recording_ready snapshot.ready calls/{call_cid}/egress/{egress_id}
        call.frame_recording_failed snapshot.failed calls/{call_cid}/egress/{egress_id}
        call.transcription_started transcription.started calls/{call_cid}/egress/{egress_id}
        call.transcription_stopped transcription.stopped calls/{call_cid}/egress/{egress_id}
        call.transcription_ready transcription.ready calls/{call_cid}/egress/{egress_id}
        call.transcription_failed transcription.failed calls/{call_cid}/egress/{egress_id}
        call.closed_captions_started captions.started calls/{call_cid}
        call.closed_captions_stopped captions.stopped calls/{call_cid}
        call.closed_captions_failed captions.failed calls/{call_cid}
        call.closed_caption captions.segment calls/{call_cid}/captions/{closed_caption.id}
        call.hls_broadcasting_started egress.started calls/{call_cid}/egress/hls
        call.hls_broadcasting_stopped egress.stopped calls/{call_cid}/egress/hls
        call.hls_broadcasting_failed egress.failed calls/{call_cid}/egress/hls
        call.rtmp_broadcast_started egress.started calls/{call_cid}/egress/rtmp/{name}
        call.rtmp_broadcast_stopped egress.stopped calls/{call_cid}/egress/rtmp/{name}
        call.rtmp_broadcast_failed egress.failed calls/{call_cid}/egress/rtmp/{name}
        ingress.started ingress.started calls/{call_cid}/ingress/{ingress_stream_id}
        ingress.stopped ingress.stopped calls/{call_cid}/ingress/{ingress_stream_id}
        ingress.error ingress.failed calls/{call_cid}/ingress/{ingress_stream_id}
        """)

    /// The application's users; these webhooks name no call.
    private static let users = MappedType.rows(
        by: "user.id",
        """
        user.banned user.banned users/{user.id}
        user.unbanned user.unbanned users/{user.id}
        user.deactivated user.deactivated users/{user.id}
        user.reactivated user.reactivated users/{user.id}
        user.deleted user.deleted users/{user.id}
        user.updated user.updated users/{user.id}
        """)

    /// Ids are the same over retries. `created_at` is RFC 3339 text or integer nanoseconds (`type: number, format: date-time`
    /// in the OpenAPI v2).
    package static let mapping = ObjectMapping(
        provider: StreamProvider.attribute, types: all,
        fallbacks: [
            MappedType("", MappedType.unmapped, "calls/{call_cid}", by: "call_cid"),
            MappedType("", MappedType.unmapped, "users/{user.id}", by: "user.id"),
        ],
        idHeader: "x-webhook-id", timeFields: ["created_at"], takesIntegerTimes: true,
        aliases: [
            "call_cid": ["call_cid", "call.cid"], "user.id": ["user.id", "user_id"],
            "user_id": ["user_id", "user.id"],
        ])
}
