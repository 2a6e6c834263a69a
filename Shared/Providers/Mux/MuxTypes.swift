/// Mux's vocabulary (muxinc/mux-node-sdk, `src/resources/webhooks/webhooks.ts`): live streams, simulcast targets, assets
/// and uploads. Warnings, masters that are being prepared and the like are `provider.unmapped`.
///
/// As with FastPix, `disconnected` means that the encoder is gone and its reconnect window runs; `idle` is the end. What a
/// simulcast target's stream is called is not certain, so a target is known by its own id.
package enum MuxTypes {
    package static let all = MappedType.rows(
        by: "object.id",
        """
        video.live_stream.created stream.created streams/{object.id}
        video.live_stream.connected ingress.started streams/{object.id}
        video.live_stream.recording recording.started streams/{object.id}
        video.live_stream.active stream.started streams/{object.id}
        video.live_stream.disconnected ingress.stopped streams/{object.id}
        video.live_stream.idle stream.stopped streams/{object.id}
        video.live_stream.updated stream.updated streams/{object.id}
        video.live_stream.enabled stream.enabled streams/{object.id}
        video.live_stream.disabled stream.disabled streams/{object.id}
        video.live_stream.deleted stream.deleted streams/{object.id}
        video.live_stream.simulcast_target.created egress.created simulcasts/{data.id} data.id
        video.live_stream.simulcast_target.starting egress.starting simulcasts/{data.id} data.id
        video.live_stream.simulcast_target.broadcasting egress.started simulcasts/{data.id} data.id
        video.live_stream.simulcast_target.idle egress.stopped simulcasts/{data.id} data.id
        video.live_stream.simulcast_target.updated egress.updated simulcasts/{data.id} data.id
        video.live_stream.simulcast_target.errored egress.failed simulcasts/{data.id} data.id
        video.live_stream.simulcast_target.deleted egress.deleted simulcasts/{data.id} data.id
        video.asset.created asset.created assets/{asset_id} asset_id
        video.asset.ready asset.ready assets/{asset_id} asset_id
        video.asset.updated asset.updated assets/{asset_id} asset_id
        video.asset.errored asset.failed assets/{asset_id} asset_id
        video.asset.deleted asset.deleted assets/{asset_id} asset_id
        video.asset.live_stream_completed asset.updated assets/{asset_id} asset_id
        video.asset.static_renditions.ready asset.rendition_ready assets/{asset_id} asset_id
        video.asset.static_rendition.ready asset.rendition_ready assets/{asset_id} asset_id
        video.asset.master.ready asset.source_ready assets/{asset_id} asset_id
        video.asset.master.deleted asset.source_deleted assets/{asset_id} asset_id
        video.asset.track.created asset.track_created tracks/{data.id} data.id
        video.asset.track.ready asset.track_ready tracks/{data.id} data.id
        video.asset.track.errored asset.track_failed tracks/{data.id} data.id
        video.asset.track.deleted asset.track_deleted tracks/{data.id} data.id
        video.upload.created asset.upload_created uploads/{object.id}
        video.upload.cancelled asset.upload_cancelled uploads/{object.id}
        video.upload.errored asset.failed uploads/{object.id}
        video.upload.asset_created asset.created assets/{data.asset_id} data.asset_id
        """)

    static let mapping = ObjectMapping(
        provider: MuxProvider.attribute, types: all,
        fallbacks: [MappedType("", MappedType.unmapped, "objects/{object.id}", by: "object.id")],
        idFields: ["id"], timeFields: ["created_at"],
        aliases: [
            "object.id": ["object.id", "data.id"],
            "asset_id": ["data.asset_id", "object.id", "data.id"],
        ])
}
