import CZeroMQ
import Foundation
import Testing

@testable import ZeroMQ

/// What the bus relies on in libzmq 4.3, each fact as this very library shows it. A new libzmq that behaves otherwise is
/// noticed here first.
@Suite(.serialized) struct LibzmqFactsTests {
    private let context: Context
    private let directory: URL

    init() throws {
        context = try Context()
        directory = FileManager.default.temporaryDirectory.appending(path: "zmq-\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    private func endpoint(_ name: String) -> String { "ipc://\(directory.path)/\(name)" }

    /// How often something that must come is looked for, 5 ms apart: it ends only tests that fail.
    private static let looks = 20_000

    private func receive(_ socket: Socket, withinMilliseconds limit: Int = 5 * looks) throws -> [Frame]? {
        var poller = Poller(wakeUp: -1, sockets: [socket])
        let end = Date().addingTimeInterval(Double(limit) / 1000)
        while Date() < end {
            if let frames = try socket.receive() { return frames }
            try poller.wait(nanoseconds: 5_000_000)
        }
        return nil
    }

    private func sendSoon(_ socket: Socket, _ text: String, looks: Int = looks) throws -> Bool {
        for _ in 0..<looks {
            if try socket.send([Frame(Array(text.utf8))]) == .sent { return true }
            usleep(5_000)
        }
        return false
    }

    @Test func `the library has no draft interface, so zmq_poll it is`() {
        #expect(dlsym(nil, "zmq_poll") != nil || dlopen("libzmq.so.5", RTLD_NOW) != nil)
        let library = dlopen("libzmq.so.5", RTLD_NOW)
        #expect(library != nil)
        #expect(dlsym(library, "zmq_poll") != nil)
        #expect(dlsym(library, "zmq_poller_new") == nil)
    }

    @Test func `a mandatory router tells that a peer is unknown instead of dropping in silence`() throws {
        let router = try context.socket(.router)
        try router.bind(endpoint("mandatory"))
        #expect(try router.send([Frame([1, 2, 3]), Frame([9])]) == .unreachable)
        try router.set(ZMQ_ROUTER_MANDATORY, 0)
        #expect(
            try router.send([Frame([1, 2, 3]), Frame([9])]) == .sent, "without the option the frame just vanishes")
    }

    @Test func `a high-water mark counts transmissions per peer`() throws {
        let router = try context.socket(.router)
        try router.setHighWaterMarks(5)
        try router.bind(endpoint("hwm"))
        let dealer = try context.socket(.dealer)
        try dealer.setHighWaterMarks(5)
        try dealer.connect(endpoint("hwm"))
        #expect(try sendSoon(dealer, "hello"))
        let id = try #require(try receive(router))[0].copy
        var sent = 0
        while sent < 100_000, try router.send([Frame(id), Frame([UInt8](repeating: 0, count: 100_000))]) == .sent {
            sent += 1
        }
        #expect(sent >= 5)
        #expect(sent < 100_000, "a full pipe is reported")
    }

    @Test func `a dealer that may queue at once hands frames for the dead peer to its successor`() throws {
        let hasty = try context.socket(.dealer)
        try hasty.set(ZMQ_IMMEDIATE, 0)
        try hasty.connect(endpoint("hasty"))
        #expect(try hasty.send([Frame(Array("stale".utf8))]) == .sent, "nobody is there, and yet it is taken")
        let successor = try context.socket(.router)
        try successor.bind(endpoint("hasty"))
        #expect(try receive(successor) != nil, "whoever comes later gets it")

        let patient = try context.socket(.dealer)
        try patient.connect(endpoint("patient"))
        #expect(try patient.send([Frame(Array("stale".utf8))]) == .wouldBlock, "our dealers wait for a connection")
    }

    @Test func `a second bind steals the path, hence the instance lock`() throws {
        let first = try context.socket(.router)
        try first.bind(endpoint("stolen"))
        let second = try context.socket(.router)
        try second.bind(endpoint("stolen"))
        let dealer = try context.socket(.dealer)
        try dealer.connect(endpoint("stolen"))
        #expect(try sendSoon(dealer, "whose?"))
        #expect(try receive(second) != nil)
        #expect(try first.receive() == nil)
    }

    @Test func `socket files follow the umask`() throws {
        let old = umask(0o022)
        let open = try context.socket(.router)
        try open.bind(endpoint("open"))
        umask(0o077)
        let closed = try context.socket(.router)
        try closed.bind(endpoint("closed"))
        umask(old)
        func mode(_ name: String) -> Int {
            var status = stat()
            stat("\(directory.path)/\(name)", &status)
            return Int(status.st_mode & 0o777)
        }
        #expect(mode("open") == 0o755)
        #expect(mode("closed") == 0o700)
    }

    @Test func `a frame over the limit on the connecting side kills the link, and the monitor tells`() throws {
        let router = try context.socket(.router)
        try router.bind(endpoint("large"))
        let dealer = try context.socket(.dealer, maxFrameBytes: 1_000)
        let monitor = try dealer.monitor()
        try dealer.connect(endpoint("large"))
        #expect(try sendSoon(dealer, "hello"))
        let id = try #require(try receive(router))[0].copy
        #expect(try router.send([Frame(id), Frame([UInt8](repeating: 0, count: 2_000))]) == .sent)
        var events: [ConnectionEvent] = []
        for _ in 0..<Self.looks where !events.contains(.closed) {
            while let event = try monitor.next() { events.append(event) }
            usleep(5_000)
        }
        #expect(events.contains(.closed))
        #expect(try dealer.receive() == nil, "the frame is lost")
    }

    @Test func `a duplicate routing id is ignored in silence, hence automatic ones`() throws {
        let router = try context.socket(.router)
        try router.bind(endpoint("twins"))
        var twins: [Socket] = []
        for _ in 0..<2 {
            let twin = try context.socket(.dealer)
            let name = Array("twin".utf8)
            zmq_setsockopt(twin.pointer, ZMQ_ROUTING_ID, name, name.count)
            try twin.connect(endpoint("twins"))
            twins.append(twin)
            #expect(try sendSoon(twin, "hello", looks: twins.count == 1 ? Self.looks : 100) || twins.count == 2)
        }
        #expect(try receive(router) != nil)
        #expect(try receive(router, withinMilliseconds: 300) == nil, "the second twin is never heard")
    }

    @Test func `a monitor whose other end is connected does not block the bind`() throws {
        let router = try context.socket(.router)
        let monitor = try router.monitor()
        try router.bind(endpoint("monitored"))
        let dealer = try context.socket(.dealer)
        try dealer.connect(endpoint("monitored"))
        #expect(try sendSoon(dealer, "hello"))
        #expect(try receive(router) != nil)
        #expect(try monitor.next() == .established)
    }

    @Test func `pushing blindly to two pullers loses what the dead one had`() throws {
        let push = try #require(zmq_socket(context.rawForTests, ZMQ_PUSH))
        defer { zmq_close(push) }
        zmq_bind(push, endpoint("push"))
        var pullers = try (0..<2).map { _ in
            let pull = try #require(zmq_socket(context.rawForTests, ZMQ_PULL))
            zmq_connect(pull, endpoint("push"))
            return pull
        }
        // Both are there once each has got something.
        var (value, waiting) = (UInt32(0), pullers)
        for _ in 0..<Self.looks where !waiting.isEmpty {
            zmq_send(push, &value, 4, ZMQ_DONTWAIT)
            usleep(5_000)
            waiting.removeAll { zmq_recv($0, &value, 4, ZMQ_DONTWAIT) >= 0 }
        }
        #expect(waiting.isEmpty)
        for number in 0..<2_000 {
            value = UInt32(number)
            zmq_send(push, &value, 4, 0)
        }
        for _ in 0..<10 { zmq_recv(pullers[0], &value, 4, 0) }
        zmq_close(pullers.removeFirst())
        usleep(200_000)
        var received = 10
        while zmq_recv(pullers[0], &value, 4, ZMQ_DONTWAIT) >= 0 { received += 1 }
        zmq_close(pullers[0])
        #expect(received < 2_000, "this is why the bus is driven by demand")
    }

    @Test func `a link to a peer that is killed is closed and established anew by its successor`() throws {
        var router: Socket? = try context.socket(.router)
        try router?.bind(endpoint("successor"))
        let dealer = try context.socket(.dealer)
        let monitor = try dealer.monitor()
        try dealer.connect(endpoint("successor"))
        #expect(try sendSoon(dealer, "one"))
        router = nil
        var events: [ConnectionEvent] = []
        func wait(for count: Int) throws {
            for _ in 0..<Self.looks where events.count < count {
                while let event = try monitor.next() { events.append(event) }
                usleep(5_000)
            }
        }
        try wait(for: 2)
        let successor = try context.socket(.router)
        try successor.bind(endpoint("successor"))
        try wait(for: 3)
        #expect(events == [.established, .closed, .established])
    }
}
