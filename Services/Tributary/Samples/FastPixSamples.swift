/// FastPix's events, in both generations of its envelope (2024 with `environment`, 2025 with `workspace`).
enum FastPixSamples {
    /// Type, envelope and `data`, in the order of the catalogue. The envelope of 2024 has an object (`live` or `media`),
    /// that of 2025 and later a status, too.
    static let all = SampleTable.rows(
        """
        video.live_stream.created live/idle \(live("idle"))
        video.live_stream.connected live/idle \(live("idle"))
        video.live_stream.preparing live/preparing \(live("preparing"))
        video.live_stream.recording live/active \(live("active"))
        video.live_stream.active live/active \(live("active"))
        video.live_stream.disconnected live/active \(live("active"))
        video.live_stream.idle live/idle \(live("idle"))
        video.live_stream.updated live/idle \(live("idle"))
        video.live_stream.enabled live/enabled \(live("idle"))
        video.live_stream.disabled live/disabled \(live("disabled"))
        video.live_stream.deleted live/idle \(live("idle"))
        video.live_stream.simulcast.created live \(simulcast("idle"))
        video.live_stream.simulcast.starting live \(simulcast("starting"))
        video.live_stream.simulcast.broadcasting live \(simulcast("broadcasting"))
        video.live_stream.simulcast.deleted live \(simulcast("idle"))
        video.live_stream.simulcast_target.created live/idle \(simulcast("idle"))
        video.live_stream.simulcast_target.starting live/starting \(simulcast("starting"))
        video.live_stream.simulcast_target.broadcasting live/broadcasting \(simulcast("broadcasting"))
        video.live_stream.simulcast_target.updated live/idle \(simulcast("idle"))
        video.live_stream.simulcast_target.deleted live/idle \(simulcast("idle"))
        video.asset.created live \(live("idle"))
        video.media.live_stream.created media/media_created \
        \(media("Created", #","streamId":"a2ae2143-62a1-4eee-b888-4f1406148481""#))
        video.media.created media/media_created \(media("Created"))
        video.media.ready media/media_ready \(media("Ready"))
        video.media.updated media/media_updated \(media("Ready"))
        video.media.failed media/media_failed \
        \(media("Failed", #","error":{"code":"INVALID_INPUT","message":"could not decode input"}"#))
        video.media.deleted media/media_deleted \(media("Deleted"))
        video.media.upload media/upload {"uploadId":"6061902b-1d6f-4a0c-9d0c-3ad9f9b9d001","status":"waiting"}
        video.media.upload.cancelled media/cancelled {"uploadId":"6061902b-1d6f-4a0c-9d0c-3ad9f9b9d001",\
        "status":"cancelled"}
        video.media.source.ready media/ready \(media("Ready"))
        video.media.source.deleted media/deleted \(media("Ready"))
        video.media.mp4Support.ready media/ready \(media("Ready", #","mp4Support":"capped_4k""#))
        video.media.intro.ready media/ready \(media("Ready"))
        video.media.subtitle.generated.ready media/ready \(track("ready"))
        video.media.track.created media/created \(track("created"))
        video.media.track.ready media/ready \(track("ready"))
        video.media.track.updated media/updated \(track("updated"))
        video.media.track.deleted media/deleted \(track("deleted"))
        video.media.track.failed media/failed \(track("failed"))
        video.upload.media_created media/media_created \(media("Created"))
        video.mediaAI.summary.ready media/ready {"isSummaryGenerated":true,"summary":"…"}
        video.mediaAI.chapters.ready media/ready {"isChaptersGenerated":true,"chapters":[{"startTime":"00:00:00",\
        "title":"Welcome"}]}
        video.mediaAI.namedEntities.ready media/ready {"isNamedEntitiesGenerated":true,"namedEntities":["Ada"]}
        video.mediaAI.moderation.ready media/ready {"isModerationGenerated":true,"moderation":[{"category":"none",\
        "score":0.01}]}
        """)

    /// The body of one event. `createdAt` is RFC 3339.
    static func body(type: String, id: String, createdAt: String) -> String? {
        guard let sample = all.first(where: { $0.type == type }) else { return nil }
        let tenant = #"{"name":"Development","id":"7c07598b-c27b-42e6-8b31-a334da54c387"}"#
        let parts = sample.json.split(separator: " ", maxSplits: 1)
        let envelope = parts[0].split(separator: "/")
        guard envelope.count == 2 else {
            return """
                {"type":"\(type)","request_id":null,"object":\(object(envelope[0])),"id":"\(id)",\
                "environment":\(tenant),"data":\(parts[1]),"createdAt":"\(createdAt)","attempts":null,\
                "accessor_source":null,"accessor":null}
                """
        }
        return """
            {"type":"\(type)","object":\(object(envelope[0])),"id":"\(id)","workspace":\(tenant),\
            "status":"\(envelope[1])","data":\(parts[1]),"createdAt":"\(createdAt)","attempts":[]}
            """
    }

    private static let streamID = "a2ae2143-62a1-4eee-b888-4f1406148481"
    private static let mediaID = "6061902b-1d6f-4a0c-9d0c-3ad9f9b9d001"

    private static func object(_ type: Substring) -> String {
        "{\"type\":\"\(type)\",\"id\":\"\(type == "media" ? mediaID : streamID)\"}"
    }

    private static func live(_ status: String) -> String {
        """
        {"trial":false,"streamId":"\(streamID)","streamKey":"FP_TRgf4CswLZ9UcHH3yTxQ",\
        "srtSecret":"b2c3f0aa51d24a6fb0b4f6","status":"\(status)","maxResolution":"1080p","maxDuration":28800,\
        "createdAt":"2026-10-05T11:17:52.460858Z","reconnectWindow":60,"enableRecording":true,\
        "mediaPolicy":"public","metadata":{"livestream_name":"town hall"},"lowLatency":false,\
        "playbackIds":[{"id":"55d5b68e-508a-4adf-a01a-9420005ee796","accessPolicy":"public"}]}
        """
    }

    private static func simulcast(_ status: String) -> String {
        """
        {"simulcastId":"8717422d89288ad5958d4a86e9afe2a2","url":"rtmp://a.rtmp.youtube.com/live2",\
        "streamKey":"yt-xxxx-xxxx","isActive":true,"status":"\(status)","streamId":"\(streamID)",\
        "metadata":{"target":"youtube"}}
        """
    }

    private static func media(_ status: String, _ more: String = "") -> String {
        """
        {"thumbnail":"https://images.fastpix.io/2da377aa-public-1/thumbnail.png","id":"\(mediaID)",\
        "workspaceId":"7c07598b-c27b-42e6-8b31-a334da54c387","metadata":{"title":"town hall"},\
        "maxResolution":"1080p","sourceResolution":"1080p","status":"\(status)",\
        "playbackIds":[{"id":"2da377aa-0f6a-4f7a-9d7b-8b4f1d6a0b01","accessPolicy":"public"}],\
        "tracks":[{"id":"5f0c","type":"video","width":1920,"height":1080,"frameRate":"30/1",\
        "status":"available"}],"duration":"00:48:53","frameRate":"30/1","aspectRatio":"16:9",\
        "createdAt":"2026-10-05T12:05:01.120Z","updatedAt":"2026-10-05T12:06:01.120Z"\(more)}
        """
    }

    private static func track(_ status: String) -> String {
        #"{"id":"tr-1","type":"subtitle","languageCode":"en","languageName":"English","status":"\#(status)"}"#
    }
}
