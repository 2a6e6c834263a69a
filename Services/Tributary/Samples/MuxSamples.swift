/// Mux's webhooks about assets, uploads and live streams (docs.mux.com, "Webhook reference").
enum MuxSamples {
    /// Type, type of its object, and `data`, in the order of the reference.
    private static let all: [(type: String, object: String, payload: String)] = [
        ("video.asset.created", "asset", asset("preparing")),
        ("video.asset.ready", "asset", asset("ready")),
        ("video.asset.errored", "asset", asset("errored")),
        ("video.asset.updated", "asset", asset("ready")),
        ("video.asset.deleted", "asset", asset("ready")),
        ("video.asset.live_stream_completed", "asset", asset("ready")),
        ("video.asset.static_renditions.ready", "asset", asset("ready")),
        ("video.asset.static_rendition.ready", "static_rendition", staticRendition),
        ("video.asset.master.ready", "asset", asset("ready")),
        ("video.asset.master.deleted", "asset", asset("ready")),
        ("video.asset.track.created", "track", track("preparing")),
        ("video.asset.track.deleted", "track", track("ready")),
        ("video.asset.track.ready", "track", track("ready")),
        ("video.asset.track.errored", "track", track("errored")),
        ("video.upload.created", "upload", upload("waiting")),
        ("video.upload.asset_created", "upload", upload("asset_created")),
        ("video.upload.cancelled", "upload", upload("cancelled")),
        ("video.upload.errored", "upload", upload("errored")),
        ("video.live_stream.created", "live", live("idle")),
        ("video.live_stream.connected", "live", live("idle")),
        ("video.live_stream.recording", "live", live("active")),
        ("video.live_stream.active", "live", live("active")),
        ("video.live_stream.disconnected", "live", live("active")),
        ("video.live_stream.idle", "live", live("idle")),
        ("video.live_stream.updated", "live", live("idle")),
        ("video.live_stream.enabled", "live", live("idle")),
        ("video.live_stream.disabled", "live", live("disabled")),
        ("video.live_stream.deleted", "live", live("idle")),
        ("video.live_stream.simulcast_target.created", "simulcast_target", simulcast("idle")),
        ("video.live_stream.simulcast_target.updated", "simulcast_target", simulcast("idle")),
        ("video.live_stream.simulcast_target.idle", "simulcast_target", simulcast("idle")),
        ("video.live_stream.simulcast_target.starting", "simulcast_target", simulcast("starting")),
        ("video.live_stream.simulcast_target.broadcasting", "simulcast_target", simulcast("broadcasting")),
        ("video.live_stream.simulcast_target.errored", "simulcast_target", simulcast("errored")),
        ("video.live_stream.simulcast_target.deleted", "simulcast_target", simulcast("idle")),
    ]

    static let types = all.map(\.type)

    /// The body of one event.
    static func body(_ order: SampleOrder) -> SampleBody? {
        guard let sample = all.first(where: { $0.type == order.type }) else { return nil }
        return SampleBody(
            """
            {"type":"\(order.type)","id":"\(order.id)","created_at":"\(order.createdAt)",\
            "object":{"type":"\(sample.object)","id":"\(objectID(sample.object))"},\
            "environment":{"name":"Production","id":"e7p9k2"},"data":\(sample.payload),"attempts":[],\
            "request_id":null,"accessor":null,"accessor_source":null}
            """, eventIDs: [order.id])
    }

    private static let liveID = "live-00JXz2bW4Hk3nqp"
    private static let assetID = "asset-Ku9ZbTn3vR01yhd"
    private static let uploadID = "upload-T5b8KtWm2c"
    private static let targetID = "target-vuOfW021mz5QA"
    private static let trackID = "track-a1kcOPP33"
    private static let renditionID = "rendition-hG5s02"

    private static func objectID(_ object: String) -> String {
        switch object {
        case "live": liveID
        case "asset": assetID
        case "upload": uploadID
        case "simulcast_target": targetID
        case "static_rendition": renditionID
        default: trackID
        }
    }

    private static func live(_ status: String) -> String {
        """
        {"id":"\(liveID)","status":"\(status)","stream_key":"not-a-real-stream-key","reconnect_window":60,\
        "latency_mode":"standard","max_continuous_duration":43200,"created_at":1791211000,\
        "playback_ids":[{"id":"pb-R1n9","policy":"public"}],"new_asset_settings":{"playback_policies":["public"]}}
        """
    }

    private static func asset(_ status: String) -> String {
        """
        {"id":"\(assetID)","status":"\(status)","live_stream_id":"\(liveID)","duration":2933.1,\
        "aspect_ratio":"16:9","max_stored_frame_rate":30,"created_at":1791211000,\
        "playback_ids":[{"id":"pb-W7q2","policy":"public"}]}
        """
    }

    private static func track(_ status: String) -> String {
        """
        {"id":"\(trackID)","asset_id":"\(assetID)","type":"text","text_type":"subtitles","language_code":"en",\
        "status":"\(status)"}
        """
    }

    private static let staticRendition = """
        {"id":"\(renditionID)","asset_id":"\(assetID)","name":"720p.mp4","ext":"mp4","resolution":"720p",\
        "status":"ready"}
        """

    private static func upload(_ status: String) -> String {
        """
        {"id":"\(uploadID)","status":"\(status)","asset_id":"\(assetID)","timeout":3600}
        """
    }

    private static func simulcast(_ status: String) -> String {
        """
        {"id":"\(targetID)","live_stream_id":"\(liveID)","status":"\(status)","passthrough":"youtube",\
        "stream_key":"not-a-real-stream-key","url":"rtmps://live.example.invalid/app"}
        """
    }
}
