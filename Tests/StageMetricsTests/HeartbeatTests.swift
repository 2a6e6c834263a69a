import StageMetrics
import Testing

@Suite struct HeartbeatTests {
    let registry = MetricRegistry(stage: "verifier", instance: "verifier-0", version: "1")

    @Test func `a thread that has not moved for ten seconds is named, one that moves is not`() {
        let moving = registry.heartbeat(of: "journal")
        let still = registry.heartbeat(of: "bus")
        moving.beat(at: 22_000_000_001)
        still.beat(at: 20_000_000_000)
        #expect(registry.stalledThreads(at: 29_999_999_999).isEmpty)
        #expect(registry.stalledThreads(at: 32_000_000_000) == ["the bus thread has not moved for 12 s"])
        still.beat(at: 32_000_000_000)
        #expect(registry.stalledThreads(at: 32_000_000_000).isEmpty)
    }

    @Test func `a thread that has ended is not watched`() {
        var ended: Heartbeat? = registry.heartbeat(of: "bus")
        ended?.beat(at: 1)
        #expect(registry.stalledThreads().count == 1)
        ended = nil
        #expect(registry.stalledThreads().isEmpty)
        #expect(
            registry.render().contains(
                #"tributary_heartbeat_age_seconds{stage="verifier",instance="verifier-0",thread="bus"} 0"#))
    }
}
