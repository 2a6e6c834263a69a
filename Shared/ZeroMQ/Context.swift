internal import CZeroMQ
internal import Glibc

/// A libzmq context: one I/O thread and the sockets of one process. Thread-safe; its sockets are not.
///
/// Created once per process and never terminated: sockets close with linger 0, so there is nothing to wait for.
package final class Context: Sendable {
    // libzmq documents contexts as thread-safe (zmq_ctx_new(3)).
    nonisolated(unsafe) private let pointer: UnsafeMutableRawPointer

    package init(ioThreads: Int32 = 1) throws(ZeroMQError) {
        guard let pointer = zmq_ctx_new() else { throw ZeroMQError.last("zmq_ctx_new") }
        self.pointer = pointer
        guard zmq_ctx_set(pointer, ZMQ_IO_THREADS, ioThreads) == 0 else { throw ZeroMQError.last("zmq_ctx_set") }
    }

    /// For tests of libzmq itself, which need socket types that the bus does not use.
    var rawForTests: UnsafeMutableRawPointer { pointer }

    /// A new socket, to be used and closed by the calling thread alone.
    package func socket(_ kind: SocketKind, maxFrameBytes: Int64 = -1) throws(ZeroMQError) -> Socket {
        guard let raw = zmq_socket(pointer, kind.rawValue) else { throw ZeroMQError.last("zmq_socket") }
        let socket = Socket(raw, context: self)
        try socket.set(ZMQ_LINGER, 0)
        if maxFrameBytes >= 0 { try socket.setWide(ZMQ_MAXMSGSIZE, maxFrameBytes) }
        switch kind {
        case .router:
            // Without it an unknown peer or a full pipe loses frames silently.
            try socket.set(ZMQ_ROUTER_MANDATORY, 1)
        case .dealer, .subscriber, .pair:
            // Otherwise frames queued for a dead peer reach its successor.
            if kind == .dealer { try socket.set(ZMQ_IMMEDIATE, 1) }
            try socket.set(ZMQ_RECONNECT_IVL, 10)
            try socket.set(ZMQ_RECONNECT_IVL_MAX, 100)
        case .publisher, .reply:
            break
        }
        return socket
    }
}

/// The socket types that the bus uses.
package enum SocketKind: Int32, Sendable {
    case pair = 0
    case subscriber = 2
    case reply = 4
    case dealer = 5
    case router = 6
    /// XPUB: a publisher that sees its subscriptions.
    case publisher = 9
}
