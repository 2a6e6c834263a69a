/// The objects that Stream's events share.
enum StreamFragments {
    static let session = #""0c8c7bec-ecee-4ab6-90e1-1a5989a3e7e4""#
    static let egress = #""5f1b3a52-9f7f-4a63-8b1c-19a2b6f4f111""#

    static let user = """
        {"id":"john","name":"John Doe","image":"https://getstream.io/random_svg/?id=john","custom":{},\
        "language":"","role":"user","teams":[],"created_at":"2026-10-05T14:49:14.142187951Z",\
        "updated_at":"2026-10-05T14:49:12.471772Z","banned":false,"online":true,"blocked_user_ids":[],\
        "shadow_banned":false,"invisible":false}
        """

    /// A user as app-level events carry it.
    static let appUser = """
        {"id":"john","custom":{},"language":"","role":"user","teams":[],\
        "created_at":"2026-10-05T14:49:14.142187951Z","updated_at":"2026-10-05T14:49:12.471772Z",\
        "banned":false,"online":true,"blocked_user_ids":[]}
        """

    static let participant = """
        {"user":\(user),"user_session_id":"aff08503-92ae-4f8c-a4d0-7da90a85b3cc","role":"user",\
        "joined_at":"2026-10-05T14:49:14.142179098Z"}
        """

    static let members = """
        [{"user":\(user),"user_id":"john","role":"user","custom":{},\
        "created_at":"2026-10-05T14:49:14.142187951Z","updated_at":"2026-10-05T14:49:12.471772Z"}]
        """

    static let call = """
        {"type":"livestream","id":"town-hall-42","cid":"livestream:town-hall-42","current_session_id":\
        \(session),"created_by":\(user),"custom":{},"created_at":"2026-10-05T14:49:14.142187951Z",\
        "updated_at":"2026-10-05T14:49:12.471772Z","recording":false,"transcribing":false,"captioning":false,\
        "translating":false,"backstage":false,"settings":\(settings),"blocked_user_ids":[],\
        "ingress":{"rtmp":{"address":"rtmps://ingress.stream-io-video.com:443/k3ytest123abc.livestream.town-hall-42"},\
        "whip":{"address":"rtmps://ingress.stream-io-video.com:443/k3ytest123abc.livestream.town-hall-42"},\
        "srt":{"address":"rtmps://ingress.stream-io-video.com:443/k3ytest123abc.livestream.town-hall-42"}},\
        "session":{"id":\(session),"started_at":"2026-10-05T14:00:00.001Z","participants":[\(participant)],\
        "participants_count_by_role":{"host":1,"user":41},"anonymous_participant_count":1,"rejected_by":{},\
        "accepted_by":{},"missed_by":{},"live_started_at":"2026-10-05T14:00:01.75Z"},\
        "egress":{"broadcasting":false,"rtmps":[]}}
        """

    private static let settings = """
        {"audio":{"access_request_enabled":false,"opus_dtx_enabled":true,"redundant_coding_enabled":false,\
        "mic_default_on":true,"speaker_default_on":true,"default_device":"speaker","hifi_audio_enabled":false},\
        "backstage":{"enabled":true},"broadcasting":{"enabled":true,"hls":{"auto_on":false,"enabled":true,\
        "quality_tracks":[],"layout":{"name":"spotlight","external_app_url":"","external_css_url":""}},\
        "rtmp":{"enabled":true,"quality":"1080p","layout":{"name":"spotlight","external_app_url":"",\
        "external_css_url":""}}},"geofencing":{"names":[]},"recording":{"audio_only":false,"mode":"mode",\
        "quality":"1080p","layout":{"name":"spotlight","external_app_url":"","external_css_url":""}},\
        "individual_recording":{"mode":"available"},"raw_recording":{"mode":"available"},\
        "frame_recording":{"mode":"available","capture_interval_in_seconds":5},\
        "ring":{"incoming_call_timeout_ms":15000,"auto_cancel_timeout_ms":15000,\
        "missed_call_timeout_ms":15000},"screensharing":{"enabled":true,"access_request_enabled":false},\
        "transcription":{"mode":"available","closed_caption_mode":"available","language":"en"},\
        "video":{"enabled":true,"access_request_enabled":false,"target_resolution":{"width":1920,\
        "height":1080},"camera_default_on":false,"camera_facing":"front"},"thumbnails":{"enabled":true},\
        "limits":{"max_participants_exclude_roles":[]},"session":{"inactivity_timeout_seconds":30},\
        "encryption":{"mode":"available"}}
        """
}
