import JSON
import SimdJSON

/// Writes the proto3 JSON of notifications (protobuf.dev, "ProtoJSON Format"): fields in lower camel case and in the
/// order of their numbers, enumerations by name or, where this build has no name, by number; what has its default value
/// is left out. The token of an `auth_request` is hidden wherever it stands, and a composition's address
/// where it is a credential by its form.
///
/// By hand, because SwiftProtobuf's own JSON, with which tests compare this, costs as much as all the rest of mapping a
/// notification. Its memory is used again.
struct FishjamJSON {
    typealias Notification = FishjamServerMessage

    var text = JSONObjectText()

    /// Replaces the text with the JSON of `notification`. Batches lie no deeper in it than `FishjamGate` lets in.
    mutating func write(_ notification: Notification) {
        text.reset()
        append(notification)
    }

    private mutating func append(_ notification: Notification) {
        text.open()
        switch notification.content {
        case .roomCreated(let room): strings("roomCreated", ("roomId", room.roomID))
        case .roomDeleted(let room): strings("roomDeleted", ("roomId", room.roomID))
        case .roomCrashed(let room): strings("roomCrashed", ("roomId", room.roomID))
        case .peerAdded(let peer): self.peer("peerAdded", peer.roomID, peer.peerID, peer.peerType)
        case .peerDeleted(let peer): self.peer("peerDeleted", peer.roomID, peer.peerID, peer.peerType)
        case .peerConnected(let peer): self.peer("peerConnected", peer.roomID, peer.peerID, peer.peerType)
        case .peerDisconnected(let peer): self.peer("peerDisconnected", peer.roomID, peer.peerID, peer.peerType)
        case .peerCrashed(let peer):
            self.peer("peerCrashed", peer.roomID, peer.peerID, peer.peerType, after: ("reason", peer.reason))
        case .peerMetadataUpdated(let peer):
            self.peer(
                "peerMetadataUpdated", peer.roomID, peer.peerID, peer.peerType, after: ("metadata", peer.metadata))
        case .trackAdded(let added):
            track("trackAdded", added.roomID, added.endpoint, added.hasTrack ? added.track : nil)
        case .trackRemoved(let removed):
            track("trackRemoved", removed.roomID, removed.endpoint, removed.hasTrack ? removed.track : nil)
        case .trackMetadataUpdated(let updated):
            track("trackMetadataUpdated", updated.roomID, updated.endpoint, updated.hasTrack ? updated.track : nil)
        case .componentCrashed(let component):
            strings("componentCrashed", ("roomId", component.roomID), ("componentId", component.componentID))
        case .hlsPlayable(let component):
            strings("hlsPlayable", ("roomId", component.roomID), ("componentId", component.componentID))
        case .hlsUploaded(let room): strings("hlsUploaded", ("roomId", room.roomID))
        case .hlsUploadCrashed(let room): strings("hlsUploadCrashed", ("roomId", room.roomID))
        case .metricsReport(let report): strings("metricsReport", ("metrics", report.metrics))
        case .notificationBatch(let batch): append(batch)
        case nil: break
        default:
            if !appendHandshake(notification) { appendLater(notification) }
        }
        text.close()
    }

    private mutating func append(_ batch: Notification.NotificationBatch) {
        text.open("notificationBatch")
        if !batch.notifications.isEmpty {
            text.openList("notifications")
            for notification in batch.notifications { append(notification) }
            text.closeList()
        }
        text.close()
    }

    /// What belongs to the WebSocket; false for everything else.
    private mutating func appendHandshake(_ notification: Notification) -> Bool {
        switch notification.content {
        case .authenticated: strings("authenticated")
        case .authRequest(let request):
            strings("authRequest", ("token", request.token.isEmpty ? "" : "[redacted]"))
        case .subscribeRequest(let request):
            text.open("subscribeRequest")
            text.member("eventType", request.eventType.jsonName, orNumber: request.eventType.rawValue)
            text.close()
        case .subscribeResponse(let response):
            text.open("subscribeResponse")
            text.member("eventType", response.eventType.jsonName, orNumber: response.eventType.rawValue)
            text.close()
        default: return false
        }
        return true
    }

    /// Variants that 0.6.x does not have.
    private mutating func appendLater(_ notification: Notification) {
        switch notification.content {
        case .streamConnected(let stream): strings("streamConnected", ("streamId", stream.streamID))
        case .streamDisconnected(let stream): strings("streamDisconnected", ("streamId", stream.streamID))
        case .viewerConnected(let viewer):
            strings("viewerConnected", ("streamId", viewer.streamID), ("viewerId", viewer.viewerID))
        case .viewerDisconnected(let viewer):
            strings("viewerDisconnected", ("streamId", viewer.streamID), ("viewerId", viewer.viewerID))
        case .streamerConnected(let streamer):
            strings("streamerConnected", ("streamId", streamer.streamID), ("streamerId", streamer.streamerID))
        case .streamerDisconnected(let streamer):
            strings("streamerDisconnected", ("streamId", streamer.streamID), ("streamerId", streamer.streamerID))
        case .channelAdded(let channel):
            self.channel("channelAdded", channel.roomID, channel.endpoint, channel.channelID)
        case .channelRemoved(let channel):
            self.channel("channelRemoved", channel.roomID, channel.endpoint, channel.channelID)
        case .trackForwarding(let forwarding):
            text.open("trackForwarding")
            text.member("roomId", forwarding.roomID)
            text.member("peerId", forwarding.peerID)
            text.member("compositionUrl", Credentials.shown(forwarding.compositionURL))
            text.member("inputId", forwarding.inputID)
            if forwarding.hasAudioTrack { member("audioTrack", forwarding.audioTrack) }
            if forwarding.hasVideoTrack { member("videoTrack", forwarding.videoTrack) }
            text.close()
        case .trackForwardingRemoved(let forwarding):
            strings(
                "trackForwardingRemoved", ("roomId", forwarding.roomID), ("peerId", forwarding.peerID),
                ("compositionUrl", Credentials.shown(forwarding.compositionURL)), ("inputId", forwarding.inputID))
        case .vadNotification(let activity):
            text.open("vadNotification")
            text.member("roomId", activity.roomID)
            text.member("peerId", activity.peerID)
            text.member("trackId", activity.trackID)
            text.member("status", activity.status.jsonName, orNumber: activity.status.rawValue)
            text.close()
        case .recordingStatusChanged(let recording):
            text.open("recordingStatusChanged")
            text.member("recordingId", recording.recordingID)
            text.member("status", recording.status.jsonName, orNumber: recording.status.rawValue)
            text.member("metadata", recording.metadata)
            text.close()
        default: break
        }
    }
}

/// The shapes that several variants share.
extension FishjamJSON {
    typealias Member = (name: StaticString, value: String)

    private mutating func strings(_ variant: StaticString, _ members: Member...) {
        text.open(variant)
        for member in members { text.member(member.name, member.value) }
        text.close()
    }

    private mutating func peer(
        _ variant: StaticString, _ room: String, _ peer: String, _ type: Notification.PeerType,
        after more: Member? = nil
    ) {
        text.open(variant)
        text.member("roomId", room)
        text.member("peerId", peer)
        if let more { text.member(more.name, more.value) }
        text.member("peerType", type.jsonName, orNumber: type.rawValue)
        text.close()
    }

    private mutating func track(
        _ variant: StaticString, _ room: String, _ endpoint: FishjamEndpoint?, _ track: Notification.Track?
    ) {
        text.open(variant)
        text.member("roomId", room)
        member(endpoint)
        if let track { member("track", track) }
        text.close()
    }

    private mutating func channel(
        _ variant: StaticString, _ room: String, _ endpoint: FishjamEndpoint?, _ channel: String
    ) {
        text.open(variant)
        text.member("roomId", room)
        member(endpoint)
        text.member("channelId", channel)
        text.close()
    }

    /// An endpoint that is named counts even where its name is empty.
    private mutating func member(_ endpoint: FishjamEndpoint?) {
        switch endpoint {
        case .peer(let id): text.member("peerId", id, evenEmpty: true)
        case .component(let id): text.member("componentId", id, evenEmpty: true)
        case nil: break
        }
    }

    private mutating func member(_ name: StaticString, _ track: Notification.Track) {
        text.open(name)
        text.member("id", track.id)
        text.member("type", track.type.jsonName, orNumber: track.type.rawValue)
        text.member("metadata", track.metadata)
        text.close()
    }
}
