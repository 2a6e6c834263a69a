import Providers

/// What a notification means and the values that its subject is made of, empty where it has none. The first value
/// keeps events in order.
struct FishjamMeaning {
    let variant: FishjamVariant
    let first: String
    let second: String
    let third: String

    init(_ variant: FishjamVariant, _ first: String = "", _ second: String = "", _ third: String = "") {
        self.variant = variant
        self.first = first
        self.second = second
        self.third = third
    }
}

extension FishjamServerMessage {
    /// Nil where it has no variant that this build knows.
    var meaning: FishjamMeaning? {
        switch content {
        case .roomCreated(let room): FishjamMeaning(.roomCreated, room.roomID)
        case .roomDeleted(let room): FishjamMeaning(.roomDeleted, room.roomID)
        case .roomCrashed(let room): FishjamMeaning(.roomCrashed, room.roomID)
        case .peerAdded(let peer): FishjamMeaning(.peerAdded, peer.roomID, peer.peerID)
        case .peerDeleted(let peer): FishjamMeaning(.peerDeleted, peer.roomID, peer.peerID)
        case .peerConnected(let peer): FishjamMeaning(.peerConnected, peer.roomID, peer.peerID)
        case .peerDisconnected(let peer): FishjamMeaning(.peerDisconnected, peer.roomID, peer.peerID)
        case .peerCrashed(let peer): FishjamMeaning(.peerCrashed, peer.roomID, peer.peerID)
        case .peerMetadataUpdated(let peer): FishjamMeaning(.peerMetadataUpdated, peer.roomID, peer.peerID)
        case .componentCrashed(let component):
            FishjamMeaning(.componentCrashed, component.roomID, component.componentID)
        case .hlsPlayable(let component): FishjamMeaning(.hlsPlayable, component.roomID, component.componentID)
        case .hlsUploaded(let room): FishjamMeaning(.hlsUploaded, room.roomID)
        case .hlsUploadCrashed(let room): FishjamMeaning(.hlsUploadCrashed, room.roomID)
        case .trackAdded, .trackRemoved, .trackMetadataUpdated: trackMeaning
        case .metricsReport: FishjamMeaning(.metricsReport)
        case .authenticated: FishjamMeaning(.authenticated)
        case .authRequest: FishjamMeaning(.authRequest)
        case .subscribeRequest: FishjamMeaning(.subscribeRequest)
        case .subscribeResponse: FishjamMeaning(.subscribeResponse)
        case .notificationBatch: FishjamMeaning(.notificationBatch)
        case nil: nil
        default: laterMeaning
        }
    }

    private var trackMeaning: FishjamMeaning? {
        switch content {
        case .trackAdded(let added):
            switch added.endpoint {
            case .component(let id): FishjamMeaning(.componentTrackAdded, added.roomID, id, added.track.id)
            case .peer(let id): FishjamMeaning(.peerTrackAdded, added.roomID, id, added.track.id)
            case nil: FishjamMeaning(.peerTrackAdded, added.roomID)
            }
        case .trackRemoved(let removed):
            switch removed.endpoint {
            case .component(let id): FishjamMeaning(.componentTrackRemoved, removed.roomID, id, removed.track.id)
            case .peer(let id): FishjamMeaning(.peerTrackRemoved, removed.roomID, id, removed.track.id)
            case nil: FishjamMeaning(.peerTrackRemoved, removed.roomID)
            }
        case .trackMetadataUpdated(let updated):
            switch updated.endpoint {
            case .component(let id):
                FishjamMeaning(.componentTrackMetadataUpdated, updated.roomID, id, updated.track.id)
            case .peer(let id): FishjamMeaning(.peerTrackMetadataUpdated, updated.roomID, id, updated.track.id)
            case nil: FishjamMeaning(.peerTrackMetadataUpdated, updated.roomID)
            }
        default: nil
        }
    }

    /// Variants that 0.6.x does not have.
    private var laterMeaning: FishjamMeaning? {
        switch content {
        case .streamConnected(let stream): FishjamMeaning(.streamConnected, stream.streamID)
        case .streamDisconnected(let stream): FishjamMeaning(.streamDisconnected, stream.streamID)
        case .streamerConnected(let streamer):
            FishjamMeaning(.streamerConnected, streamer.streamID, streamer.streamerID)
        case .streamerDisconnected(let streamer):
            FishjamMeaning(.streamerDisconnected, streamer.streamID, streamer.streamerID)
        case .viewerConnected(let viewer): FishjamMeaning(.viewerConnected, viewer.streamID, viewer.viewerID)
        case .viewerDisconnected(let viewer): FishjamMeaning(.viewerDisconnected, viewer.streamID, viewer.viewerID)
        case .channelAdded(let channel): FishjamMeaning(.channelAdded, channel.roomID, channel.channelID)
        case .channelRemoved(let channel): FishjamMeaning(.channelRemoved, channel.roomID, channel.channelID)
        case .trackForwarding(let forwarding):
            FishjamMeaning(.trackForwarding, forwarding.roomID, forwarding.peerID, forwarding.inputID)
        case .trackForwardingRemoved(let forwarding):
            FishjamMeaning(.trackForwardingRemoved, forwarding.roomID, forwarding.peerID, forwarding.inputID)
        case .vadNotification(let activity):
            FishjamMeaning(.vadNotification, activity.roomID, activity.peerID, activity.trackID)
        case .recordingStatusChanged(let recording):
            FishjamMeaning(recording.status.variant, recording.recordingID)
        default: nil
        }
    }
}

extension FishjamServerMessage.RecordingStatusChanged.Status {
    fileprivate var variant: FishjamVariant {
        switch self {
        case .active: .recordingStarted
        case .finished: .recordingStopped
        case .available: .recordingReady
        case .failed: .recordingFailed
        case .unspecified, .UNRECOGNIZED: .recordingUnknown
        }
    }
}
