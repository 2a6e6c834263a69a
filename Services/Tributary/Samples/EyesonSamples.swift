/// The four call-backs of eyeson StreamRec (docs.eyeson.com, StreamRec API, "Webhooks").
enum EyesonSamples {
    static let types = ["upload_ready", "upload_failed", "session_finished", "supervisor_session_finished"]

    /// A call-back about a recording, or a session, of its own.
    static func body(_ order: SampleOrder) -> SampleBody? {
        let time = order.createdAtMilliseconds
        switch order.type {
        case "upload_ready":
            return SampleBody(
                """
                {"status":"upload_ready","msg":"recording uploaded","rec_id":"\(order.id)","client_id":"\(client)",\
                "recording_started_at":"2026-10-05T14:00:00.123Z",\
                "recording_first_frame_written_at":"2026-10-05T14:00:00.480Z",\
                "recording_first_peerframe_captured_at":"2026-10-05T14:00:00.301Z",\
                "recording_stopped_at":"\(time)","recording_file_duration_ms":2932520,\
                "recording_file_size_bytes":5368709120}
                """, eventIDs: ["upload_ready:\(order.id)"])
        case "upload_failed":
            return SampleBody(
                """
                {"status":"upload_failed","msg":"upload failed with status 403","rec_id":"\(order.id)",\
                "client_id":"\(client)","upload_status_code":403}
                """, eventIDs: ["upload_failed:\(order.id)"])
        case "session_finished":
            // Its id is made of client and start, so the client is another one each time.
            return SampleBody(
                """
                {"status":"session_finished","msg":"session finished","rec_id":"\(order.id)",\
                "client_id":"client-\(order.id)","started_at":"2026-10-05T13:59:58.000Z","stopped_at":"\(time)"}
                """, eventIDs: ["session_finished:client-\(order.id):2026-10-05T13:59:58.000Z"])
        case "supervisor_session_finished":
            return SampleBody(
                """
                {"status":"supervisor_session_finished","supervisor_session_id":"\(order.id)",\
                "supervisor_client_id":"sup-0","agent_session_id":"6760fea3-589c-4253-b1c6-3d87123be956",\
                "agent_client_id":"\(client)","started_at":"2026-10-05T14:10:00.000Z","stopped_at":"\(time)"}
                """, eventIDs: ["supervisor_session_finished:\(order.id)"])
        default:
            return nil
        }
    }

    private static let client = "client-3987830"
}
