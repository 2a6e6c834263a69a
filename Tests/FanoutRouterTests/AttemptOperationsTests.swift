import JSON
import PipelineConfiguration
import Synchronization
import Testing

@testable import ControlAPI
@testable import EventDelivery

/// Attempts of the log and of the lanes' memory through the API of a whole router.
@Suite(.serialized) struct AttemptOperationsTests {
    /// Two subscriptions: one fails at every sixth event's first attempt, one never does. Sixty events are delivered to
    /// both.
    private func prepared() async throws -> (fixture: OperationsFixture, subscribers: [Subscriber]) {
        let failed = Mutex<Set<UInt64>>([])
        let failing = try Subscriber { _, request in
            let isRefused = request.position % 6 == 1 && failed.withLock { $0.insert(request.position).inserted }
            return .status(isRefused ? 503 : 200)
        }
        let working = try Subscriber { _, _ in .status(200) }
        let fixture = try OperationsFixture([
            .init(name: "failing", url: failing.url, schedule: "[0s, 1ms, 1ms]"),
            .init(name: "working", url: working.url),
        ])
        fixture.receive(1...60)
        try await fixture.waitForLog(60)
        _ = try await working.wait(for: 60)
        _ = try await failing.wait(for: 70)
        // All that is worth keeping is on disk: what failed, and what went well after it.
        try await eventually { try fixture.all("/v1/attempts", "attempts").count == 20 }
        return (fixture, [failing, working])
    }

    @Test func `attempts are listed newest first, those in memory and those on disk, each once`() async throws {
        let (fixture, subscribers) = try await prepared()
        for limit in [1000, 7, 1] {
            let all = try fixture.all("/v1/attempts?subscription=failing&limit=\(limit)", "attempts")
            #expect(all.count == 70)
            #expect(Set(all.map { "\($0["position"].text) \($0["number"].text)" }).count == 70)
            let started = all.map { $0["started"].text }
            #expect(started == started.sorted(by: >))
        }
        let everyday = try fixture.all("/v1/attempts?subscription=working&limit=11", "attempts")
        #expect(everyday.count == 60)
        #expect(everyday.allSatisfy { $0["outcome"].text == "delivered" && $0["number"].integer == 1 })
        let ofEvent = try fixture.all("/v1/attempts?event=id-7&limit=1", "attempts")
        #expect(Set(ofEvent.map { $0["subscription"].text }) == ["failing", "working"])
        #expect(ofEvent.allSatisfy { $0["position"].integer == 7 })
        subscribers.forEach { $0.stop() }
    }

    @Test func `filters narrow the list, and what contradicts itself finds nothing`() async throws {
        let (fixture, subscribers) = try await prepared()
        func count(_ query: String) throws -> Int { try fixture.all("/v1/attempts?\(query)", "attempts").count }
        #expect(try count("outcome=status") == 10)
        #expect(try count("subscription=failing&outcome=delivered&limit=9") == 60)
        #expect(try count("phase=answered") == 20)
        #expect(try count("phase=connect") == 0)
        #expect(try count("phase=connect&outcome=status") == 0)
        #expect(try count("subscription=nobody") == 0)
        let all = try fixture.all("/v1/attempts?subscription=failing", "attempts")
        let middle = all[35]["started"].text
        #expect(try count("subscription=failing&since=\(middle)&limit=10") == 36)
        #expect(try count("subscription=failing&until=\(middle)&limit=10") == 34)
        #expect(try fixture.ask("GET", "/v1/attempts?event=nobody").status == 404)
        #expect(try fixture.ask("GET", "/v1/attempts?outcome=lost").status == 400)
        #expect(try fixture.ask("GET", "/v1/attempts?cursor=WyJldmVudHMiLDFd").status == 400)
        subscribers.forEach { $0.stop() }
    }

    @Test func `an attempt says what the subscriber answered`() async throws {
        let subscriber = try Subscriber { _, _ in .large(3000) }
        let fixture = try OperationsFixture([.init(name: "app", url: subscriber.url)])
        fixture.receive(1...1)
        _ = try await subscriber.wait(for: 1)
        try await eventually { try !fixture.all("/v1/attempts?subscription=app", "attempts").isEmpty }
        let attempt = try fixture.all("/v1/attempts?event=1", "attempts")[0]
        #expect(attempt["answer"].text == String(repeating: " ", count: 1024))
        #expect(attempt["status"].integer == 200)
        #expect(attempt["phase"].text == "answered")
        #expect(attempt["replay"] == .null)
        subscriber.stop()
    }

    @Test func `every outcome belongs to one phase`() {
        #expect(AttemptPhase.allCases.flatMap(\.outcomes).sorted() == DestinationRegistry.outcomes.map(\.word).sorted())
    }
}
