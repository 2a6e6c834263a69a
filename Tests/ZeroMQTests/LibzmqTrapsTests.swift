import CZeroMQ
import Foundation
import Synchronization
import Testing

@testable import ZeroMQ

/// Further facts of libzmq, shown with its own interface where the module `ZeroMQ` offers none because of them.
@Suite(.serialized) struct LibzmqTrapsTests {
    private let context: Context
    private let directory: URL

    init() throws {
        context = try Context()
        directory = FileManager.default.temporaryDirectory.appending(path: "zmqt-\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    private func endpoint(_ name: String) -> String { "ipc://\(directory.path)/\(name)" }

    private func waitUntil(_ condition: () -> Bool) -> Bool {
        for _ in 0..<36_000 {
            if condition() { return true }
            usleep(5_000)
        }
        return false
    }

    @Test func `a bind waits for ever for a monitor that nobody reads from`() throws {
        let router = try context.socket(.router)
        #expect(zmq_socket_monitor(router.pointer, "inproc://unread", ZMQ_EVENT_ALL) == 0)
        let flag = Flag()
        nonisolated(unsafe) let pointer = router.pointer  // used by one thread at a time
        let path = endpoint("unread")
        let thread = Thread {
            zmq_bind(pointer, path)
            flag.raise()
        }
        thread.start()
        usleep(300_000)
        #expect(!flag.isRaised)
        let reader = try context.socket(.pair)
        try reader.connect("inproc://unread")
        #expect(waitUntil { flag.isRaised }, "it goes on when the other end is connected")
    }

    /// Something that one thread tells another.
    private final class Flag: Sendable {
        private let raised = Atomic<Bool>(false)
        var isRaised: Bool { raised.load(ordering: .acquiring) }
        func raise() { raised.store(true, ordering: .releasing) }
    }

    /// Whether the callback of the next test ran, and whether on the thread of the test.
    private static let called = Flag()
    private static let calledHere = Flag()
    private static let testThread = Mutex<pthread_t?>(nil)

    @Test func `the free callback of a frame runs on a thread of libzmq`() throws {
        let router = try context.socket(.router)
        try router.bind(endpoint("free"))
        let dealer = try context.socket(.dealer)
        try dealer.connect(endpoint("free"))
        Self.testThread.withLock { $0 = pthread_self() }
        var frame = zmq_msg_t()
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 4_096, alignment: 1)
        zmq_msg_init_data(
            &frame, bytes, 4_096,
            { bytes, _ in
                let isHere = Self.testThread.withLock { $0.map { pthread_equal($0, pthread_self()) != 0 } }
                if isHere == true { Self.calledHere.raise() }
                Self.called.raise()
                bytes?.deallocate()
            }, nil)
        #expect(waitUntil { zmq_msg_send(&frame, dealer.pointer, ZMQ_DONTWAIT) >= 0 })
        #expect(waitUntil { Self.called.isRaised })
        #expect(!Self.calledHere.isRaised, "so it may only release memory")
    }

    @Test func `the descriptor of a socket says nothing about what still waits`() throws {
        let router = try context.socket(.router)
        try router.bind(endpoint("edge"))
        let dealer = try context.socket(.dealer)
        try dealer.connect(endpoint("edge"))
        #expect(waitUntil { (try? dealer.send([Frame([1])])) == .sent })
        #expect(try dealer.send([Frame([2])]) == .sent)
        var descriptor: Int32 = -1
        var size = MemoryLayout<Int32>.size
        zmq_getsockopt(router.pointer, ZMQ_FD, &descriptor, &size)
        func isReadable() -> Bool {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return Glibc.poll(&poll, 1, 0) == 1
        }
        func events() -> Int32 {
            var events: Int32 = 0
            var size = MemoryLayout<Int32>.size
            zmq_getsockopt(router.pointer, ZMQ_EVENTS, &events, &size)
            return events
        }
        #expect(waitUntil { events() & ZMQ_POLLIN != 0 })
        usleep(50_000)
        _ = events()
        #expect(!isReadable(), "the edge is gone")
        #expect(events() & ZMQ_POLLIN != 0, "and yet frames wait: such a descriptor belongs in no event loop")
    }

    // MARK: CURVE

    private struct KeyPair {
        var open = [CChar](repeating: 0, count: 41)
        var secret = [CChar](repeating: 0, count: 41)

        init() { zmq_curve_keypair(&open, &secret) }
    }

    private func set(_ socket: Socket, _ option: Int32, _ value: [CChar]) {
        let code = zmq_setsockopt(socket.pointer, option, value, 41)
        #expect(code == 0)
    }

    /// A server with a ZAP domain, and a client with a key that nobody knows.
    private func curve(_ name: String, enforced: Bool) throws -> (server: Socket, client: Socket, monitor: Monitor) {
        let (serverKey, strangerKey) = (KeyPair(), KeyPair())
        let server = try context.socket(.router)
        try server.set(ZMQ_CURVE_SERVER, 1)
        set(server, ZMQ_CURVE_SECRETKEY, serverKey.secret)
        zmq_setsockopt(server.pointer, ZMQ_ZAP_DOMAIN, "bus", 3)
        // Option 93, ZMQ_ZAP_ENFORCE_DOMAIN, is a draft in the header but works in the library.
        if enforced { try server.set(93, 1) }
        try server.bind(endpoint(name))
        let client = try context.socket(.dealer)
        set(client, ZMQ_CURVE_SERVERKEY, serverKey.open)
        set(client, ZMQ_CURVE_PUBLICKEY, strangerKey.open)
        set(client, ZMQ_CURVE_SECRETKEY, strangerKey.secret)
        let monitor = try client.monitor()
        try client.connect(endpoint(name))
        return (server, client, monitor)
    }

    @Test func `without a ZAP handler a CURVE server lets any key in, unless the domain is enforced`() throws {
        let open = try curve("open", enforced: false)
        #expect(waitUntil { (try? open.client.send([Frame([1])])) == .sent })
        #expect(waitUntil { (try? open.server.receive()) != nil }, "a stranger is heard")
        let closed = try curve("closed", enforced: true)
        usleep(500_000)
        #expect(try closed.client.send([Frame([1])]) == .wouldBlock, "a stranger is not let in")
        #expect(try closed.server.receive() == nil)
    }

    @Test func `a client that the ZAP handler refused never tries again`() throws {
        let zap = try #require(zmq_socket(context.rawForTests, ZMQ_REP))
        defer { zmq_close(zap) }
        #expect(zmq_bind(zap, "inproc://zeromq.zap.01") == 0)
        let refused = try curve("refused", enforced: true)
        var requests = 0
        let end = Date().addingTimeInterval(1.5)
        while Date() < end {
            var parts: [[UInt8]] = []
            var buffer = [UInt8](repeating: 0, count: 256)
            var more: Int32 = 0
            var size = MemoryLayout<Int32>.size
            repeat {
                let count = zmq_recv(zap, &buffer, buffer.count, ZMQ_DONTWAIT)
                guard count >= 0 else { break }
                parts.append(Array(buffer[..<Int(count)]))
                zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &size)
            } while more != 0
            guard parts.count >= 2 else {
                usleep(5_000)
                continue
            }
            requests += 1
            for (index, part) in [Array("1.0".utf8), parts[1], Array("400".utf8), Array("no".utf8), [], []].enumerated()
            {
                zmq_send(zap, part, part.count, index < 5 ? ZMQ_SNDMORE : 0)
            }
        }
        #expect(requests == 1, "so the bus rebuilds a link whose handshake failed")
        var events: [ConnectionEvent] = []
        while let event = try refused.monitor.next() { events.append(event) }
        #expect(events.contains(.handshakeFailed))
    }
}
