/// Webhooks of the providers that are known by their signature and a few pointers: the shapes of their documentation.
enum PresetSamples {
    static let zoom = [
        "meeting.started", "meeting.ended", "meeting.participant_joined", "meeting.participant_left",
        "recording.completed",
    ]
    static let twilio = [
        "room-created", "room-ended", "participant-connected", "participant-disconnected", "track-added",
        "recording-completed",
    ]
    /// Product 1 (real-time communication): a broadcaster joins, a broadcaster leaves.
    static let agora = ["103", "104"]
    static let cloudflareStream = ["ready", "error"]
    static let hundredMS = [
        "peer.join.success", "peer.leave.success", "session.open.success", "beam.recording.success",
    ]
    /// Whoever sends Standard Webhooks names events as they like.
    static let standardWebhooks = ["room.created"]

    /// developers.zoom.us, "Meetings webhooks".
    static func zoom(_ order: SampleOrder) -> SampleBody? {
        guard zoom.contains(order.type) else { return nil }
        let participant =
            order.type.contains("participant")
            ? #","participant":{"user_id":"16778205","user_name":"John","join_time":"\#(order.createdAtMilliseconds)"}"#
            : ""
        return SampleBody(
            """
            {"event":"\(order.type)","event_ts":\(order.createdAtNanoseconds / 1_000_000),\
            "payload":{"account_id":"abc","object":{"id":"111111111","uuid":"\(order.id)"\(participant)}}}
            """, eventIDs: [])
    }

    /// twilio.com/docs/video/api/status-callbacks: a form.
    static func twilio(_ order: SampleOrder) -> SampleBody? {
        guard twilio.contains(order.type) else { return nil }
        let time = order.createdAtMilliseconds.replacing(":", with: "%3A")
        let participant =
            order.type.hasPrefix("room-") ? "" : "&ParticipantIdentity=john&ParticipantSid=PA\(order.id.prefix(8))"
        return SampleBody(
            "RoomSid=RM123&RoomName=town-hall-42&StatusCallbackEvent=\(order.type)\(participant)&Timestamp=\(time)"
                + "&SequenceNumber=3", eventIDs: [])
    }

    /// docs.agora.io, "Receive notifications".
    static func agora(_ order: SampleOrder) -> SampleBody? {
        guard agora.contains(order.type) else { return nil }
        return SampleBody(
            """
            {"noticeId":"\(order.id)","productId":1,"eventType":\(order.type),\
            "notifyMs":\(order.createdAtNanoseconds / 1_000_000),"payload":{"channelName":"town-hall-42",\
            "uid":12121212,"platform":1,"clientSeq":1625051030746,"ts":\(order.createdAtSeconds)}}
            """, eventIDs: [order.id])
    }

    /// developers.cloudflare.com/stream, "Use webhooks": the body is the video.
    static func cloudflareStream(_ order: SampleOrder) -> SampleBody? {
        guard cloudflareStream.contains(order.type) else { return nil }
        let uid = order.id.replacing("-", with: "")
        let state =
            order.type == "ready"
            ? #"{"state":"ready","pctComplete":"100.000000"}"#
            : #"{"state":"error","errorReasonCode":"ERR_NON_VIDEO","errorReasonText":"The file is no video."}"#
        return SampleBody(
            """
            {"uid":"\(uid)","readyToStream":\(order.type == "ready"),"status":\(state),"meta":{},\
            "created":"2026-10-05T14:40:00.474936Z","modified":"\(order.createdAt)"}
            """, eventIDs: [])
    }

    /// 100ms.live/docs, "Webhooks", version 2.0.
    static func hundredMS(_ order: SampleOrder) -> SampleBody? {
        guard hundredMS.contains(order.type) else { return nil }
        return SampleBody(
            """
            {"version":"2.0","id":"\(order.id)","account_id":"60b8e13a6eb86d8101b57354",\
            "timestamp":"\(order.createdAt)","type":"\(order.type)",\
            "data":{"room_id":"60b8e13a6eb86d8101b57354","session_id":"610f81ee870dde099a249948",\
            "peer_id":"83b869e1-9a4b-4037-84b2-913cf76e4392","user_id":"john","joined_at":"\(order.createdAt)"}}
            """, eventIDs: [order.id])
    }

    /// standard-webhooks, `spec/standard-webhooks.md`, "Payload structure".
    static func standardWebhooks(_ order: SampleOrder) -> SampleBody? {
        SampleBody(
            """
            {"type":\(order.quotedType),"timestamp":"\(order.createdAt)","data":{"room":"town-hall-42"}}
            """, eventIDs: [order.id])
    }

    /// The request of Stream's SDKs (`SendCallEventRequest`); its event gets its id here.
    static func streamCalls(_ order: SampleOrder) -> SampleBody? {
        guard order.type == "custom" else { return nil }
        return SampleBody(
            #"{"user_id":"john","custom":{"render-animation":"balloons","sample":"\#(order.id)"}}"#, eventIDs: [])
    }

    static let cloudEvents = ["com.example.room.opened", "com.example.poll.answered"]

    /// CloudEvents 1.0.2, JSON format.
    static func cloudEvents(_ order: SampleOrder) -> SampleBody? {
        SampleBody(
            """
            {"specversion":"1.0","id":"\(order.id)","source":"/samples/rooms","type":\(order.quotedType),\
            "subject":"rooms/town-hall-42","time":"\(order.createdAt)","partitionkey":"town-hall-42",\
            "data":{"room":"town-hall-42"}}
            """, eventIDs: [order.id])
    }
}
