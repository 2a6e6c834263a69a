internal import CZeroMQ
internal import Glibc

/// Waits for sockets and one wake-up descriptor with `zmq_poll`. (Debian's libzmq has no `zmq_poller`, and `ZMQ_FD`
/// is edge-triggered and must stay out of other event loops.)
package struct Poller {
    private var entries: [zmq_pollitem_t] = []
    private let newsStart: Int

    /// `news`: sockets that tell of connections and listeners.
    package init(wakeUp descriptor: Int32, sockets: [Socket], news: [Socket] = []) {
        newsStart = 1 + sockets.count
        entries.append(zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
        for socket in sockets + news {
            entries.append(zmq_pollitem_t(socket: socket.pointer, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0))
        }
    }

    /// Whether `wait` found frames on that socket. Asking libzmq for frames that are not there costs system calls.
    package func isReadable(_ socket: Socket) -> Bool {
        entries.contains { $0.socket == socket.pointer && $0.revents & Int16(ZMQ_POLLIN) != 0 }
    }

    /// Whether `wait` found news.
    package var hasNews: Bool { entries[newsStart...].contains { $0.revents & Int16(ZMQ_POLLIN) != 0 } }

    /// Whether `wait` found the wake-up descriptor readable.
    package var isWoken: Bool { entries[0].revents & Int16(ZMQ_POLLIN) != 0 }

    /// Returns when something is readable or the time is over. A negative time-out waits for ever.
    package mutating func wait(timeoutMilliseconds: Int) throws(ZeroMQError) {
        let count = Int32(entries.count)
        if zmq_poll(&entries, count, timeoutMilliseconds) < 0 && zmq_errno() != EINTR {
            throw ZeroMQError.last("zmq_poll")
        }
    }
}
