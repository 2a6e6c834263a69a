import ControlClient
import Glibc
import StageMetrics
import Synchronization
import Testing

@testable import AdminServer
@testable import Threads

/// What the stage's own endpoint says while one of its threads stands still.
@Suite struct StalledThreadTests {
    let path = "/tmp/tributary-stalled-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let registry = MetricRegistry(stage: "verifier", instance: "verifier-0", version: "1")

    private let twelveSeconds: Int64 = 12_500_000_000

    @Test func `health and readiness name the thread that stands still, and are well again when it moves`() throws {
        let heartbeat = registry.heartbeat(of: "bus")
        let endpoint = try AdminEndpoint(
            socketPath: path, metricsListen: nil, registry: registry,
            readiness: { [HealthCheck(name: "bus", ok: true, detail: "linked")] })
        defer { endpoint.close() }
        let client = ControlClient(socketPath: path)
        #expect(try client.request("GET", "/healthz").status == 200)
        heartbeat.beat(at: monotonicNanoseconds() - twelveSeconds)
        let health = try client.request("GET", "/healthz")
        #expect(health.status == 503)
        #expect(health.text.hasPrefix("stalled: the bus thread has not moved for "))
        let ready = try client.request("GET", "/readyz")
        #expect(ready.status == 503)
        #expect(ready.text.contains(#""threads":{"ok":false,"detail":"the bus thread has not moved for "#))
        heartbeat.beat()
        #expect(try client.request("GET", "/healthz").text == "ok\n")
        #expect(try client.request("GET", "/readyz").status == 200)
    }

    @Test(arguments: [false, true])
    func `the service manager hears of nothing before every thread moves, then of readiness, then of life`(
        isAbstract: Bool
    ) throws {
        let name = isAbstract ? "@\(path)" : "\(path).notify"
        let receiver = try #require(DatagramReceiver(name))
        let heartbeat = registry.heartbeat(of: "bus")
        heartbeat.beat(at: monotonicNanoseconds() - twelveSeconds)
        let looks = Atomic<Int>(0)
        let endpoint = try AdminEndpoint(
            socketPath: path, metricsListen: nil, registry: registry,
            readiness: {
                looks.add(1, ordering: .relaxed)
                return []
            }, serviceNotifier: ServiceNotifier(socketPath: name))
        defer { endpoint.close() }
        while looks.load(ordering: .relaxed) < 2 { usleep(10_000) }
        heartbeat.beat(at: .max)
        #expect(receiver.next() == "READY=1")
        #expect(receiver.next() == "WATCHDOG=1")
    }
}

/// A socket as a service manager has one.
private final class DatagramReceiver {
    private let descriptor: Int32
    private let file: String

    init?(_ name: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        file = name
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = name.hasPrefix("@") ? [0] + Array(name.utf8.dropFirst()) : Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
        }
        guard isBound else { return nil }
    }

    deinit {
        close(descriptor)
        unlink(file)
    }

    /// The next datagram; blocks until it is here.
    func next() -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
