import AdminServer
import StageMetrics
import Synchronization
import Testing

@testable import IngressConnector

/// What is said of a connector that has several receivers.
struct ConnectorStateTests {
    private final class Log: Sendable {
        private let all = Mutex<[String]>([])
        var lines: [String] { all.withLock { $0 } }
        func add(_ line: String) { all.withLock { $0.append(line) } }
    }

    private let log = Log()
    private let registry = MetricRegistry(stage: "ingress-connector", instance: "ingress-connector-0", version: "1")

    private var up: String? {
        registry.read(["tributary_connector_up"]).flatMap(\.samples).first?.value
    }

    @Test func `a receiver that works does not hide that another one fails`() {
        let state = ConnectorState("queue", registry) { [log] in log.add($0) }
        #expect(up == "0" && state.check.detail == "starting")
        state.works(0)
        state.fails("denied", 1)
        for _ in 0..<3 {
            state.works(0)
            state.fails("denied", 1)
        }
        #expect(up == "0" && state.check.detail == "denied")
        state.works(1)
        state.fails("denied", 0)
        #expect(
            log.lines.map { $0.dropFirst("connector queue: ".count) } == ["connected", "denied", "connected", "denied"])
        #expect(state.failures.value == 5)
    }

    @Test func `receivers that fail differently do not change its word again and again`() {
        let state = ConnectorState("queue", registry) { [log] in log.add($0) }
        for _ in 0..<3 {
            state.fails("throttled", 0)
            state.fails("denied", 1)
        }
        #expect(log.lines == ["connector queue: throttled"])
        state.works(0)
        #expect(log.lines.last == "connector queue: denied")
    }
}
