/// What each type of Stream's events carries beyond `type`, `created_at` and `call_cid`; the shapes are those of
/// GetStream/protocol openapi/v2/video-serverside-api.json, version 236.
enum StreamSamples {
    /// Type and members, in the order of the catalogue. `user.*` events belong to an app, not to a call.
    static let all = SampleTable.rows("\(calls)\n\(media)\n\(users)")

    /// The body of one event. `createdAt` is RFC 3339.
    static func body(type: String, createdAt: String) -> String? {
        guard let sample = all.first(where: { $0.type == type }) else { return nil }
        var body = "{\"type\":\"\(type)\",\"created_at\":\"\(createdAt)\""
        if !type.hasPrefix("user.") { body += ",\"call_cid\":\"livestream:town-hall-42\"" }
        if !sample.json.isEmpty { body += "," + sample.json }
        return body + "}"
    }

    private static let calls = """
        call.created "call":\(call),"members":\(members)
        call.updated "call":\(call),"capabilities_by_role":{"user":["join-call"],"host":["join-call","mute-users"]}
        call.deleted "call":\(call)
        call.ended "call":\(call),"user":\(user),"reason":"ended by host","members":\(members)
        call.live_started "call":\(call)
        call.session_started "session_id":\(session),"call":\(call)
        call.session_ended "session_id":\(session),"call":\(call)
        call.session_participant_joined "session_id":\(session),"participant":\(participant)
        call.session_participant_left "session_id":\(session),"participant":\(participant),"duration_seconds":2953,\
        "reason":"ended by host"
        call.session_participant_count_updated "session_id":\(session),"participants_count_by_role":{"host":1,\
        "user":41},"anonymous_participant_count":1
        call.member_added "call":\(call),"members":\(members)
        call.member_removed "call":\(call),"members":["john"]
        call.member_updated "call":\(call),"members":\(members)
        call.member_updated_permission "call":\(call),"capabilities_by_role":{"user":["join-call"],\
        "host":["join-call","mute-users"]},"members":\(members)
        call.ring "session_id":\(session),"call":\(call),"members":\(members),"user":\(user),"video":true
        call.notification "session_id":\(session),"call":\(call),"members":\(members),"user":\(user)
        call.accepted "call":\(call),"user":\(user)
        call.rejected "call":\(call),"user":\(user),"reason":"ended by host"
        call.missed "session_id":\(session),"call":\(call),"members":\(members),"user":\(user),"notify_user":false
        call.blocked_user "user":\(user),"blocked_by_user":\(user)
        call.unblocked_user "user":\(user)
        call.kicked_user "user":\(user),"kicked_by_user":\(user)
        call.user_muted "from_user_id":"jane","muted_user_ids":["john"],"reason":"ended by host"
        call.permission_request "user":\(user),"permissions":["send-audio"]
        call.permissions_updated "user":\(user),"own_capabilities":["join-call","send-audio"]
        call.dtmf "digit":"5","duration_ms":120,"seq_number":7,"timestamp":"2026-10-05T14:49:13.9Z","user":\(user)
        call.reaction_new "reaction":{"user":\(user),"type":"reaction","emoji_code":":raise-hand:"}
        """

    private static let media = """
        call.recording_started "egress_id":\(egress),"recording_type":"composite"
        call.recording_stopped "egress_id":\(egress),"recording_type":"composite"
        call.recording_ready "call_recording":{"filename":"rec_livestream_town-hall-42_20261005.mp4",\
        "url":"https://stream-recordings.example.invalid/rec_livestream_town-hall-42_20261005.mp4?Expires=1",\
        "start_time":"2026-10-05T14:00:02.512Z","end_time":"2026-10-05T14:48:55.901Z","session_id":\(session),\
        "recording_type":"composite"},"egress_id":\(egress),"recording_type":"composite"
        call.recording_failed "egress_id":\(egress),"recording_type":"composite"
        call.frame_recording_started "call":\(call),"egress_id":\(egress)
        call.frame_recording_stopped "call":\(call),"egress_id":\(egress)
        call.frame_recording_ready "session_id":\(session),"track_type":"TRACK_TYPE_VIDEO",\
        "url":"https://stream-recordings.example.invalid/rec_livestream_town-hall-42_20261005.mp4?Expires=1",\
        "captured_at":"2026-10-05T14:30:00Z","users":{"john":\(user)},"egress_id":\(egress)
        call.frame_recording_failed "call":\(call),"egress_id":\(egress)
        call.transcription_started "egress_id":\(egress)
        call.transcription_stopped "egress_id":\(egress)
        call.transcription_ready "call_transcription":{"filename":"transcript_livestream_town-hall-42.jsonl",\
        "url":"https://stream-recordings.example.invalid/transcript_livestream_town-hall-42.jsonl?Expires=1",\
        "start_time":"2026-10-05T14:00:02.512Z","end_time":"2026-10-05T14:48:55.901Z","session_id":\(session)},\
        "egress_id":\(egress)
        call.transcription_failed "egress_id":\(egress),"error":"the recogniser ended early"
        call.closed_captions_started
        call.closed_captions_stopped
        call.closed_captions_failed
        call.closed_caption "closed_caption":{"id":"cc-1","text":"Welcome to the town hall",\
        "start_time":"2026-10-05T14:49:12.1Z","end_time":"2026-10-05T14:49:13.9Z","speaker_id":"john","user":\(user),\
        "language":"en","translated":false}
        call.hls_broadcasting_started "call":\(call),\
        "hls_playlist_url":"https://pronto.example.invalid/hls/town-hall-42/main.m3u8"
        call.hls_broadcasting_stopped
        call.hls_broadcasting_failed
        call.rtmp_broadcast_started "name":"youtube"
        call.rtmp_broadcast_stopped "name":"youtube"
        call.rtmp_broadcast_failed "name":"youtube"
        call.moderation_blur "user_id":"john","custom":{}
        call.moderation_warning "user_id":"john","message":"please behave","custom":{}
        call.stats_report_ready "session_id":\(session),"counts":{"participants":42,"peak_concurrent_users":40},\
        "is_trimmed":false
        call.user_feedback_submitted "session_id":\(session),"user":\(user),"rating":5,"reason":"ended by host",\
        "custom":{},"sdk":"stream-video-js","sdk_version":"1.19.3"
        ingress.started "ingress_stream_id":"in-7","user_id":"john","publisher_type":"rtmp","client_ip":"192.0.2.7",\
        "client_name":"OBS","version":"30.1"
        ingress.stopped "ingress_stream_id":"in-7","user_id":"john"
        ingress.error "ingress_stream_id":"in-7","user_id":"john","error":"codec not supported",\
        "code":"unsupported_codec"
        """

    private static let users = """
        custom "custom":{"render-animation":"balloons"},"user":\(user)
        user.banned "custom":{},"user":\(appUser)
        user.unbanned "custom":{},"user":\(appUser)
        user.deactivated "custom":{},"user":\(appUser)
        user.reactivated "custom":{},"user":\(appUser)
        user.deleted "custom":{},"user":\(appUser),"delete_messages":"soft","delete_conversation":"none",\
        "delete_user":"soft","hard_delete":false,"mark_messages_deleted":true,"delete_conversation_channels":false
        user.updated "custom":{},"user":{"id":"id-1","custom":{},"language":"","role":"user","teams":[],\
        "created_at":"2026-10-05T14:49:14.142187951Z","updated_at":"2026-10-05T14:49:12.471772Z","banned":false,\
        "online":true,"blocked_user_ids":[]}
        """

    private static let call = StreamFragments.call
    private static let members = StreamFragments.members
    private static let participant = StreamFragments.participant
    private static let user = StreamFragments.user
    private static let appUser = StreamFragments.appUser
    private static let session = StreamFragments.session
    private static let egress = StreamFragments.egress
}
