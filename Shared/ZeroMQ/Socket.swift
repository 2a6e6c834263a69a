internal import CZeroMQ
internal import Glibc

/// How a send that libzmq refused without harm ended.
package enum SendResult: Equatable, Sendable {
    case sent
    /// The pipe is full, or nobody is connected.
    case wouldBlock
    /// A ROUTER knows no such peer any more.
    case unreachable
}

/// A libzmq socket. Belongs to one thread: create it, use it and drop it there.
package final class Socket {
    let pointer: UnsafeMutableRawPointer
    private let context: Context
    private var monitorCount = 0
    /// The other end of the monitor, kept until this socket tells no more: an I/O thread that has an event to tell waits
    /// for ever, and with it all that the context sends and receives, when nobody is there to hear it.
    private var monitorEnd: Socket?
    /// Whether there may be something to read that the descriptor does not tell of (`Poller`).
    var isUnsettled = true

    init(_ pointer: UnsafeMutableRawPointer, context: Context) {
        self.pointer = pointer
        self.context = context
    }

    deinit {
        if monitorEnd != nil { zmq_socket_monitor(pointer, nil, 0) }
        zmq_close(pointer)
    }

    /// Readable when libzmq has commands for the socket; `Poller` alone knows what to make of it.
    var descriptor: Int32 {
        var descriptor: Int32 = -1
        var size = MemoryLayout<Int32>.size
        zmq_getsockopt(pointer, ZMQ_FD, &descriptor, &size)
        return descriptor
    }

    /// Whether a transmission can be received, after taking in the commands that wait.
    func hasInput() throws(ZeroMQError) -> Bool {
        var events: Int32 = 0
        var size = MemoryLayout<Int32>.size
        while zmq_getsockopt(pointer, ZMQ_EVENTS, &events, &size) != 0 {
            guard zmq_errno() == EINTR else { throw ZeroMQError.last("socket events") }
        }
        isUnsettled = events & ZMQ_POLLIN != 0
        return isUnsettled
    }

    package func bind(_ endpoint: String) throws(ZeroMQError) {
        guard zmq_bind(pointer, endpoint) == 0 else { throw ZeroMQError.last("bind \(endpoint)") }
    }

    package func connect(_ endpoint: String) throws(ZeroMQError) {
        isUnsettled = true
        guard zmq_connect(pointer, endpoint) == 0 else { throw ZeroMQError.last("connect \(endpoint)") }
    }

    package func set(_ option: Int32, _ value: Int32) throws(ZeroMQError) {
        var value = value
        guard zmq_setsockopt(pointer, option, &value, MemoryLayout<Int32>.size) == 0 else {
            throw ZeroMQError.last("socket option \(option)")
        }
    }

    func setWide(_ option: Int32, _ value: Int64) throws(ZeroMQError) {
        var value = value
        guard zmq_setsockopt(pointer, option, &value, MemoryLayout<Int64>.size) == 0 else {
            throw ZeroMQError.last("socket option \(option)")
        }
    }

    /// Most frames queued per peer, both ways. Only a fuse: credit bounds what is queued.
    package func setHighWaterMarks(_ frames: Int32) throws(ZeroMQError) {
        try set(ZMQ_SNDHWM, frames)
        try set(ZMQ_RCVHWM, frames)
    }

    /// Subscribes a SUB socket to everything whose first frame starts with `prefix`.
    package func subscribe(_ prefix: [UInt8] = []) throws(ZeroMQError) {
        guard zmq_setsockopt(pointer, ZMQ_SUBSCRIBE, prefix, prefix.count) == 0 else {
            throw ZeroMQError.last("subscribe")
        }
    }

    /// Sends all frames as one transmission, or none of them. The frames are empty after `.sent`.
    package func send(_ frames: [Frame]) throws(ZeroMQError) -> SendResult {
        isUnsettled = true
        for (index, frame) in frames.enumerated() {
            while frame.send(to: pointer, more: index + 1 < frames.count) < 0 {
                let code = zmq_errno()
                if code == EINTR { continue }
                // libzmq decides at the first frame; the rest of a begun transmission is always taken.
                if index == 0 && code == EAGAIN { return .wouldBlock }
                if index == 0 && code == EHOSTUNREACH { return .unreachable }
                throw ZeroMQError(operation: "send", code: code)
            }
        }
        return .sent
    }

    /// What the bus sends has three frames at most: a ROUTER's id, header and body, or those of the tap. What libzmq asks
    /// an `AllowList` has seven.
    static let mostFrames = 8

    /// The next transmission; nil when there is none now. Of one with too many frames only the first are kept, one more
    /// than anything well-formed has. (libzmq bounds a frame, not their number, and hands a transmission over when all of
    /// it is here: what it has taken in until then, only the mode of the run directory bounds.)
    package func receive() throws(ZeroMQError) -> [Frame]? {
        isUnsettled = true
        var frames: [Frame] = []
        while true {
            let frame = Frame()
            if frame.receive(from: pointer) < 0 {
                let code = zmq_errno()
                if code == EINTR { continue }
                if code == EAGAIN && frames.isEmpty {
                    isUnsettled = false
                    return nil
                }
                throw ZeroMQError(operation: "receive", code: code)
            }
            if frames.count < Self.mostFrames { frames.append(frame) }
            if !frame.hasMore { return frames }
        }
    }

    /// Watches this socket's connections. Call it before `bind` or `connect`: a bind blocks for ever on a monitor
    /// whose other end is not connected yet.
    package func monitor() throws(ZeroMQError) -> Monitor {
        monitorCount += 1
        let endpoint = "inproc://monitor-\(UInt(bitPattern: pointer))-\(monitorCount)"
        let events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | Monitor.handshakeFailures
        guard zmq_socket_monitor(pointer, endpoint, events) == 0 else { throw ZeroMQError.last("monitor") }
        let pair = try context.socket(.pair)
        try pair.connect(endpoint)
        monitorEnd = pair
        return Monitor(pair)
    }
}
