internal import CZeroMQ
internal import Glibc

/// Waits for sockets and one wake-up descriptor, as `zmq_poll` does with fewer system calls: that one asks libzmq for the
/// state of every socket before and after it waits, two system calls each.
///
/// A socket's `ZMQ_FD` only says that its I/O thread has sent it commands; what they mean, `ZMQ_EVENTS` says, and asking
/// takes them in (zmq_getsockopt(3)). Sending and receiving take them in too. So a socket is asked where its descriptor is
/// readable, or where it was used since it last had nothing to read (`Socket.isUnsettled`); no other can have become readable.
package struct Poller {
    private var descriptors: [pollfd]
    private let sockets: [Socket]
    private var readable: [Bool]
    private let newsStart: Int

    /// `news`: sockets that tell of connections and listeners.
    package init(wakeUp descriptor: Int32, sockets: [Socket], news: [Socket] = []) {
        newsStart = sockets.count
        self.sockets = sockets + news
        readable = Array(repeating: false, count: self.sockets.count)
        descriptors = ([descriptor] + self.sockets.map(\.descriptor)).map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        for socket in self.sockets { socket.isUnsettled = true }
    }

    /// Whether `wait` found frames on that socket. Asking libzmq for frames that are not there costs system calls.
    package func isReadable(_ socket: Socket) -> Bool {
        for index in sockets.indices where sockets[index] === socket { return readable[index] }
        return false
    }

    /// Whether `wait` found news.
    package var hasNews: Bool { readable[newsStart...].contains(true) }

    /// Whether `wait` found the wake-up descriptor readable.
    package var isWoken: Bool { descriptors[0].revents & Int16(POLLIN) != 0 }

    /// Returns when something is readable or the time is over, sometimes sooner. A negative time-out waits for ever.
    package mutating func wait(timeoutMilliseconds: Int) throws(ZeroMQError) {
        var isReady = false
        for index in sockets.indices {
            readable[index] = sockets[index].isUnsettled ? try sockets[index].hasInput() : false
            isReady = isReady || readable[index]
        }
        let timeout = isReady ? 0 : Int32(clamping: timeoutMilliseconds)
        if poll(&descriptors, nfds_t(descriptors.count), timeout) < 0 {
            guard errno == EINTR else { throw ZeroMQError(operation: "poll", code: errno) }
            for index in descriptors.indices { descriptors[index].revents = 0 }
        }
        for index in sockets.indices where descriptors[index + 1].revents != 0 {
            readable[index] = try sockets[index].hasInput()
        }
    }
}
