/// Mux's vocabulary (muxinc/mux-node-sdk, `src/resources/webhooks/webhooks.ts`): live streams, simulcast targets, assets
/// and uploads. Warnings, masters that are being prepared and the like are `provider.unmapped`.
///
/// As with FastPix, `disconnected` means that the encoder is gone and its reconnect window runs; `idle` is the end.
package enum MuxTypes {
    package static let all: [MappedType] = live + simulcasts + assets + uploads

    private static let live: [MappedType] = [
        stream("video.live_stream.created", "stream.created"),
        stream("video.live_stream.connected", "ingress.started"),
        stream("video.live_stream.recording", "recording.started"),
        stream("video.live_stream.active", "stream.started"),
        stream("video.live_stream.disconnected", "ingress.stopped"),
        stream("video.live_stream.idle", "stream.stopped"),
        stream("video.live_stream.updated", "stream.updated"),
        stream("video.live_stream.enabled", "stream.enabled"),
        stream("video.live_stream.disabled", "stream.disabled"),
        stream("video.live_stream.deleted", "stream.deleted"),
    ]

    private static let simulcasts: [MappedType] = [
        simulcast("video.live_stream.simulcast_target.created", "egress.created"),
        simulcast("video.live_stream.simulcast_target.starting", "egress.starting"),
        simulcast("video.live_stream.simulcast_target.broadcasting", "egress.started"),
        simulcast("video.live_stream.simulcast_target.idle", "egress.stopped"),
        simulcast("video.live_stream.simulcast_target.updated", "egress.updated"),
        simulcast("video.live_stream.simulcast_target.errored", "egress.failed"),
        simulcast("video.live_stream.simulcast_target.deleted", "egress.deleted"),
    ]

    private static let assets: [MappedType] = [
        asset("video.asset.created", "asset.created"),
        asset("video.asset.ready", "asset.ready"),
        asset("video.asset.updated", "asset.updated"),
        asset("video.asset.errored", "asset.failed"),
        asset("video.asset.deleted", "asset.deleted"),
        asset("video.asset.live_stream_completed", "asset.updated"),
        asset("video.asset.static_renditions.ready", "asset.rendition_ready"),
        asset("video.asset.static_rendition.ready", "asset.rendition_ready"),
        asset("video.asset.master.ready", "asset.source_ready"),
        asset("video.asset.master.deleted", "asset.source_deleted"),
        track("video.asset.track.created", "asset.track_created"),
        track("video.asset.track.ready", "asset.track_ready"),
        track("video.asset.track.errored", "asset.track_failed"),
        track("video.asset.track.deleted", "asset.track_deleted"),
    ]

    private static let uploads: [MappedType] = [
        MappedType("video.upload.created", "asset.upload_created", "uploads/{object.id}", by: "object.id"),
        MappedType("video.upload.cancelled", "asset.upload_cancelled", "uploads/{object.id}", by: "object.id"),
        MappedType("video.upload.errored", "asset.failed", "uploads/{object.id}", by: "object.id"),
        MappedType("video.upload.asset_created", "asset.created", "assets/{data.asset_id}", by: "data.asset_id"),
    ]

    static let mapping = ObjectMapping(
        provider: MuxProvider.attribute, types: all,
        fallbacks: [MappedType("", MappedType.unmapped, "objects/{object.id}", by: "object.id")],
        idFields: ["id"], timeFields: ["created_at"],
        aliases: [
            "object.id": ["object.id", "data.id"],
            "asset_id": ["data.asset_id", "object.id", "data.id"],
        ])

    private static func stream(_ type: String, _ canonical: String) -> MappedType {
        MappedType(type, canonical, "streams/{object.id}", by: "object.id")
    }

    /// What a target's stream is called is not certain, so it is known by its own id.
    private static func simulcast(_ type: String, _ canonical: String) -> MappedType {
        MappedType(type, canonical, "simulcasts/{data.id}", by: "data.id")
    }

    private static func asset(_ type: String, _ canonical: String) -> MappedType {
        MappedType(type, canonical, "assets/{asset_id}", by: "asset_id")
    }

    private static func track(_ type: String, _ canonical: String) -> MappedType {
        MappedType(type, canonical, "tracks/{data.id}", by: "data.id")
    }
}
