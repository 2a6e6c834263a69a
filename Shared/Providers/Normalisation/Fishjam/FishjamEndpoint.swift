/// Whose a track or channel is. Every variant that says so has a type of its own for it on the wire.
enum FishjamEndpoint {
    case peer(String)
    case component(String)
}

extension FishjamServerMessage.TrackAdded {
    var endpoint: FishjamEndpoint? {
        switch endpointInfo {
        case .peerID(let id): .peer(id)
        case .componentID(let id): .component(id)
        case nil: nil
        }
    }
}

extension FishjamServerMessage.TrackRemoved {
    var endpoint: FishjamEndpoint? {
        switch endpointInfo {
        case .peerID(let id): .peer(id)
        case .componentID(let id): .component(id)
        case nil: nil
        }
    }
}

extension FishjamServerMessage.TrackMetadataUpdated {
    var endpoint: FishjamEndpoint? {
        switch endpointInfo {
        case .peerID(let id): .peer(id)
        case .componentID(let id): .component(id)
        case nil: nil
        }
    }
}

extension FishjamServerMessage.ChannelAdded {
    var endpoint: FishjamEndpoint? {
        switch endpointInfo {
        case .peerID(let id): .peer(id)
        case .componentID(let id): .component(id)
        case nil: nil
        }
    }
}

extension FishjamServerMessage.ChannelRemoved {
    var endpoint: FishjamEndpoint? {
        switch endpointInfo {
        case .peerID(let id): .peer(id)
        case .componentID(let id): .component(id)
        case nil: nil
        }
    }
}
