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
    private let socketDescriptors: [Int32]
    private let patientStart: Int
    private let newsStart: Int

    /// `patient`: sockets of whose frames some may be found with the next that come, so that none of these is asked after it
    /// was used; whoever reads one reads all that there is. `news`: sockets that tell of connections and listeners.
    package init(wakeUp descriptor: Int32, sockets: [Socket], patient: [Socket] = [], news: [Socket] = []) {
        patientStart = sockets.count
        newsStart = sockets.count + patient.count
        self.sockets = sockets + patient + news
        readable = Array(repeating: false, count: self.sockets.count)
        socketDescriptors = self.sockets.map(\.descriptor)
        descriptors = ([descriptor] + socketDescriptors).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
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

    /// Returns when something is readable or the time is over, sometimes sooner. `unheard` is left alone: its owner looks
    /// for itself when it wants to know.
    package mutating func wait(nanoseconds: Int64, unheard: Socket? = nil) throws(ZeroMQError) {
        var isReady = false
        for (index, socket) in sockets.enumerated() {
            let isAsked = socket.isUnsettled && socket !== unheard && !(patientStart..<newsStart).contains(index)
            readable[index] = isAsked ? try socket.hasInput() : false
            isReady = isReady || readable[index]
            // poll(2) passes over negative descriptors.
            descriptors[index + 1].fd = socket === unheard ? -1 : socketDescriptors[index]
        }
        let milliseconds = isReady ? 0 : Int32(clamping: (max(0, nanoseconds) + 999_999) / 1_000_000)
        if poll(&descriptors, nfds_t(descriptors.count), milliseconds) < 0 {
            guard errno == EINTR else { throw ZeroMQError(operation: "poll", code: errno) }
            for index in descriptors.indices { descriptors[index].revents = 0 }
        }
        for index in sockets.indices where descriptors[index + 1].revents != 0 {
            readable[index] = try sockets[index].hasInput()
        }
    }
}
