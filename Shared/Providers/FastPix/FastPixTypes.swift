/// FastPix's vocabulary, both generations (the 2024 documentation and the SDKs of 2025/26).
///
/// `disconnected` means that the encoder is gone and its reconnect window runs; only `idle` is the end of a stream.
package enum FastPixTypes {
    package static let all: [MappedType] = live + simulcasts + media + insights

    /// A live stream and its encoder.
    private static let live = MappedType.rows(
        by: "object.id",
        """
        video.live_stream.created stream.created streams/{streamId}
        video.live_stream.connected ingress.started streams/{streamId}
        video.live_stream.preparing stream.preparing streams/{streamId}
        video.live_stream.recording recording.started streams/{streamId}
        video.live_stream.active stream.started streams/{streamId}
        video.live_stream.disconnected ingress.stopped streams/{streamId}
        video.live_stream.idle stream.stopped streams/{streamId}
        video.live_stream.updated stream.updated streams/{streamId}
        video.live_stream.enabled stream.enabled streams/{streamId}
        video.live_stream.disabled stream.disabled streams/{streamId}
        video.live_stream.deleted stream.deleted streams/{streamId}
        """)

    /// Restreaming to other platforms: `simulcast` in the 2024 documentation, `simulcast_target` since.
    private static let simulcasts = MappedType.rows(
        by: "object.id",
        """
        video.live_stream.simulcast.created egress.created streams/{streamId}/simulcasts/{simulcastId}
        video.live_stream.simulcast.starting egress.starting streams/{streamId}/simulcasts/{simulcastId}
        video.live_stream.simulcast.broadcasting egress.started streams/{streamId}/simulcasts/{simulcastId}
        video.live_stream.simulcast.deleted egress.deleted streams/{streamId}/simulcasts/{simulcastId}
        video.live_stream.simulcast_target.created egress.created streams/{streamId}/simulcasts/{simulcastId}
        video.live_stream.simulcast_target.starting egress.starting streams/{streamId}/simulcasts/{simulcastId}
        video.live_stream.simulcast_target.broadcasting egress.started streams/{streamId}/simulcasts/{simulcastId}
        video.live_stream.simulcast_target.updated egress.updated streams/{streamId}/simulcasts/{simulcastId}
        video.live_stream.simulcast_target.deleted egress.deleted streams/{streamId}/simulcasts/{simulcastId}
        """)

    /// Recorded and uploaded media; `video.asset.created` only in the 2024 documentation.
    private static let media = MappedType.rows(
        by: "object.id",
        """
        video.asset.created asset.created assets/{object.id}
        video.media.live_stream.created asset.created assets/{object.id}
        video.media.created asset.created assets/{object.id}
        video.media.ready asset.ready assets/{object.id}
        video.media.updated asset.updated assets/{object.id}
        video.media.failed asset.failed assets/{object.id}
        video.media.deleted asset.deleted assets/{object.id}
        video.media.upload asset.upload_created assets/{object.id}
        video.media.upload.cancelled asset.upload_cancelled assets/{object.id}
        video.media.source.ready asset.source_ready assets/{object.id}
        video.media.source.deleted asset.source_deleted assets/{object.id}
        video.media.mp4Support.ready asset.rendition_ready assets/{object.id}
        video.media.intro.ready asset.rendition_ready assets/{object.id}
        video.media.subtitle.generated.ready asset.track_ready assets/{object.id}
        video.media.track.created asset.track_created assets/{object.id}
        video.media.track.ready asset.track_ready assets/{object.id}
        video.media.track.updated asset.track_updated assets/{object.id}
        video.media.track.deleted asset.track_deleted assets/{object.id}
        video.media.track.failed asset.track_failed assets/{object.id}
        video.upload.media_created asset.created assets/{object.id}
        """)

    /// What FastPix's AI found in a medium.
    private static let insights = MappedType.rows(
        by: "object.id",
        """
        video.mediaAI.summary.ready asset.insight_ready assets/{object.id}
        video.mediaAI.chapters.ready asset.insight_ready assets/{object.id}
        video.mediaAI.namedEntities.ready asset.insight_ready assets/{object.id}
        video.mediaAI.moderation.ready asset.insight_ready assets/{object.id}
        """)
}
