/// The names that proto3 JSON gives to enumerations; nil where this build has none for the number.
extension FishjamServerMessage.PeerType {
    var jsonName: StaticString? {
        switch self {
        case .unspecified: "PEER_TYPE_UNSPECIFIED"
        case .webrtc: "PEER_TYPE_WEBRTC"
        case .agent: "PEER_TYPE_AGENT"
        case .vapi: "PEER_TYPE_VAPI"
        case .UNRECOGNIZED: nil
        }
    }
}

extension FishjamServerMessage.EventType {
    var jsonName: StaticString? {
        switch self {
        case .unspecified: "EVENT_TYPE_UNSPECIFIED"
        case .serverNotification: "EVENT_TYPE_SERVER_NOTIFICATION"
        case .metrics: "EVENT_TYPE_METRICS"
        case .UNRECOGNIZED: nil
        }
    }
}

extension FishjamServerMessage.TrackType {
    var jsonName: StaticString? {
        switch self {
        case .unspecified: "TRACK_TYPE_UNSPECIFIED"
        case .video: "TRACK_TYPE_VIDEO"
        case .audio: "TRACK_TYPE_AUDIO"
        case .UNRECOGNIZED: nil
        }
    }
}

extension FishjamServerMessage.VadNotification.Status {
    var jsonName: StaticString? {
        switch self {
        case .unspecified: "STATUS_UNSPECIFIED"
        case .silence: "STATUS_SILENCE"
        case .speech: "STATUS_SPEECH"
        case .UNRECOGNIZED: nil
        }
    }
}

extension FishjamServerMessage.RecordingStatusChanged.Status {
    var jsonName: StaticString? {
        switch self {
        case .unspecified: "STATUS_UNSPECIFIED"
        case .active: "STATUS_ACTIVE"
        case .finished: "STATUS_FINISHED"
        case .available: "STATUS_AVAILABLE"
        case .failed: "STATUS_FAILED"
        case .UNRECOGNIZED: nil
        }
    }
}
