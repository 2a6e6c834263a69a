internal import CZeroMQ

/// One frame of a multipart transmission. The bytes are libzmq's; copies share them by reference count.
///
/// Not thread-safe, like the socket that it came from.
package final class Frame {
    fileprivate let pointer: UnsafeMutablePointer<zmq_msg_t>

    /// An empty frame to receive into.
    package init() {
        pointer = .allocate(capacity: 1)
        zmq_msg_init(pointer)
    }

    /// A frame of `count` bytes that `write` fills.
    package init(byteCount: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
        pointer = .allocate(capacity: 1)
        guard zmq_msg_init_size(pointer, byteCount) == 0 else {
            preconditionFailure("out of memory for a frame of \(byteCount) bytes")
        }
        write(UnsafeMutableRawBufferPointer(start: zmq_msg_data(pointer), count: byteCount))
    }

    /// A frame that holds a copy of `bytes`.
    package convenience init(_ bytes: [UInt8]) {
        self.init(byteCount: bytes.count) { target in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
    }

    deinit {
        zmq_msg_close(pointer)
        pointer.deallocate()
    }

    package var byteCount: Int { zmq_msg_size(pointer) }

    /// Lends the bytes to `read`; they are valid only inside it, and only until the frame is sent.
    package func withBytes<Result, Failure: Error>(
        _ read: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The frame must outlive the pointer, not just the last mention of it.
        defer { withExtendedLifetime(self) {} }
        return try read(UnsafeRawBufferPointer(start: zmq_msg_data(pointer), count: zmq_msg_size(pointer)))
    }

    /// A copy of the bytes.
    package var copy: [UInt8] { withBytes { Array($0) } }

    /// Whether more frames of the same transmission follow.
    package var hasMore: Bool { zmq_msg_more(pointer) != 0 }

    /// What the `AllowList` calls whoever sent a received frame; nil where the connection had to prove no key.
    package var sender: String? { zmq_msg_gets(pointer, "User-Id").map { String(cString: $0) } }

    /// Another frame of the same bytes, by reference.
    package func sharing() -> Frame {
        let other = Frame()
        zmq_msg_copy(other.pointer, pointer)
        return other
    }

    func receive(from socket: UnsafeMutableRawPointer) -> Int32 {
        zmq_msg_recv(pointer, socket, ZMQ_DONTWAIT)
    }

    func send(to socket: UnsafeMutableRawPointer, more: Bool) -> Int32 {
        zmq_msg_send(pointer, socket, more ? ZMQ_DONTWAIT | ZMQ_SNDMORE : ZMQ_DONTWAIT)
    }
}
