/// Daily's webhooks about meetings, participants, recordings, transcripts and streams (docs.daily.co, "Webhooks").
enum DailySamples {
    /// Type and payload, in the order of the reference.
    private static let all = SampleTable.rows(
        """
        meeting.started {"meeting_id":"\(meeting)","room":"town-hall-42","start_ts":1791211754.1}
        meeting.ended {"meeting_id":"\(meeting)","room":"town-hall-42","start_ts":1791211754.1,"end_ts":1791214687.3}
        participant.joined \(participant(""))
        participant.left \(participant(#","duration":2933.2"#))
        waiting-participant.joined \(waiting)
        waiting-participant.left \(waiting)
        recording.started {"action":"cloud-recording-started","recording_id":"\(recording)","room_name":"town-hall-42",\
        "instance_id":"\(instance)","layout":{"preset":"default"},"started_by":"john","start_ts":1791211754}
        recording.ready-to-download {"type":"cloud","recording_id":"\(recording)","room_name":"town-hall-42",\
        "start_ts":1791211754,"status":"finished","max_participants":42,"duration":2933,\
        "s3_key":"example/town-hall-42/1791211754"}
        recording.error {"action":"cloud-recording-err","recording_id":"\(recording)","room_name":"town-hall-42",\
        "instance_id":"\(instance)","error_msg":"the recorder ended early","timestamp":1791211754}
        transcript.started \(transcript(""))
        transcript.ready-to-download \(transcript(#","duration":2933,"status":"t_finished""#))
        transcript.error \(transcript(#","error":"the recogniser ended early","status":"t_error""#))
        streaming.started \(streaming(""))
        streaming.updated \(streaming(""))
        streaming.ended \(streaming(#","duration":2933"#))
        streaming.error \(streaming(#","error":"the target refused the stream""#))
        """)

    static let types = all.map(\.type)

    /// The body of one event.
    static func body(_ order: SampleOrder) -> SampleBody? {
        guard let sample = all.first(where: { $0.type == order.type }) else { return nil }
        let milliseconds = String(order.createdAtNanoseconds / 1_000_000 % 1000 + 1000).dropFirst()
        return SampleBody(
            """
            {"version":"1.0.0","type":"\(order.type)","id":"\(order.id)","payload":\(sample.json),\
            "event_ts":\(order.createdAtSeconds).\(milliseconds)}
            """, eventIDs: [order.id])
    }

    private static let meeting = "0d8a1f0e-6a0f-4b0c-8d55-9a4b3f0e6c21"
    private static let recording = "8ab46b3c-b1c1-4c4b-8a8b-1d5e6f7a8b9c"
    private static let instance = "d3adbeef-0c3f-4f3c-9f5d-2a7b1c9d8e7f"

    private static func participant(_ more: String) -> String {
        """
        {"room":"town-hall-42","user_id":"john","user_name":"John",\
        "session_id":"0c0d2dda-f21d-4cf9-ab56-86bf3c407ffa","joined_at":1791211754.1,"will_eject_at":0,\
        "owner":false,"permissions":{"hasPresence":true,"canSend":true}\(more)}
        """
    }

    private static let waiting = """
        {"room":"town-hall-42","id":"wp-1","name":"John","requested_at":1791211750.4}
        """

    private static func transcript(_ more: String) -> String {
        """
        {"id":"tr-8c1d","transcript_id":"tr-8c1d","instance_id":"\(instance)","room_id":"rm-42",\
        "room_name":"town-hall-42","mtg_session_id":"\(meeting)"\(more)}
        """
    }

    private static func streaming(_ more: String) -> String {
        """
        {"instance_id":"\(instance)","stream_id":"st-77c0","room_name":"town-hall-42","meeting_id":"\(meeting)",\
        "layout":{"preset":"default"},"start_ts":1791211754\(more)}
        """
    }
}
