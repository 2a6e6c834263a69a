internal import CZeroMQ

/// What happened to a connection of a monitored socket.
package enum ConnectionEvent: Equatable, Sendable {
    /// Frames can flow.
    case established
    case closed
    /// The handshake failed; libzmq may never try again, so the link has to be rebuilt.
    case handshakeFailed
}

/// The connection events of one socket. Drain it in every turn of the loop.
package final class Monitor {
    static let handshakeFailures =
        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH

    package let socket: Socket

    init(_ socket: Socket) {
        self.socket = socket
    }

    /// The next event; nil when there is none now.
    package func next() throws(ZeroMQError) -> ConnectionEvent? {
        while let frames = try socket.receive() {
            // Layout of the first frame: u16 event, u32 value, in host order (zmq_socket_monitor(3)).
            guard let event = frames.first, event.byteCount >= 2 else { continue }
            switch Int32(event.withBytes { $0.loadUnaligned(as: UInt16.self) }) {
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .established
            case ZMQ_EVENT_DISCONNECTED: return .closed
            case let code where code & Self.handshakeFailures != 0: return .handshakeFailed
            default: continue
            }
        }
        return nil
    }
}
