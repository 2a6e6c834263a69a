import NIOCore
import Synchronization
import WebSocket

/// The WebSockets that are open, whether they watch already or not: so many at most, and all can be told of the end.
final class OpenSockets: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    /// Takes note of a channel until it is closed. False where there are `most` already.
    func add(_ channel: any Channel, most: Int) -> Bool {
        let id = ObjectIdentifier(channel)
        let isAdded = channels.withLock { channels in
            guard channels.count < most else { return false }
            channels[id] = channel
            return true
        }
        if isAdded {
            channel.closeFuture.whenComplete { [self] _ in channels.withLock { $0[id] = nil } }
        }
        return isAdded
    }

    /// Begins the closing handshake of all; those that are in it already stay as they are.
    func close(_ reason: WebSocketClose) {
        for channel in channels.withLock({ Array($0.values) }) {
            channel.triggerUserOutboundEvent(reason, promise: nil)
        }
    }
}
