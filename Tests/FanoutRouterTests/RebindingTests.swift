import Dispatch
import Egress
import NIOCore
import Synchronization
import Testing

@testable import EventDelivery

/// Names whose addresses change or hang, at a name server that answers real packets.
@Suite(.serialized) struct RebindingTests {
    @Test func `a name that turns inwards is refused then, and what was checked is what is connected to`() throws {
        let inside = try Tripwire(host: "127.0.0.1")
        let subscriber = try Subscriber(host: "127.0.0.2", port: inside.port) { number, _ in
            number == 2 ? .answerAndClose : .status(200)
        }
        let names = try NameServer { _, time in time == 1 ? ["127.0.0.2"] : ["127.0.0.1"] }
        let fixture = try EgressFixture(
            "http://rebinding.example:\(inside.port)/", allow: ["127.0.0.2/32"], lookups: names.lookups())
        #expect(try fixture.send().outcome.word == "delivered")
        // The connection is kept, and with it the address that was checked.
        #expect(try fixture.send().outcome.word == "delivered")
        #expect(names.count(of: "rebinding.example") == 1)
        for time in 2...3 {
            let outcome = try fixture.send().outcome
            #expect(outcome.word == "address_refused")
            #expect(outcome.detail.hasPrefix("127.0.0.1 (rebinding.example) is not global"), "\(outcome.detail)")
            #expect(names.count(of: "rebinding.example") == time)
        }
        #expect(subscriber.ledger.connectionCount == 1)
        #expect(inside.count == 0)
        fixture.stop()
        names.stop()
        subscriber.stop()
        inside.stop()
    }

    @Test func `a connection that was kept for long enough is opened anew, with a new look at the name`() throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let names = try NameServer { _, time in time < 3 ? ["127.0.0.1"] : ["10.0.0.1"] }
        let resolver = EgressResolver(EgressGuard(allow: ["127.0.0.0/8"]), lookups: names.lookups())
        let fixture = try EgressFixture("http://app.example:\(subscriber.port)/", resolver, reuse: .zero)
        #expect(
            try (0..<3).map { _ in try fixture.send().outcome.word } == ["delivered", "delivered", "address_refused"])
        #expect(subscriber.ledger.connectionCount == 2)
        fixture.stop()
        names.stop()
        subscriber.stop()
    }

    @Test func `one inward address among others refuses the name`() throws {
        let inside = try Tripwire(host: "127.0.0.1")
        let outside = try Tripwire(host: "127.0.0.2", port: inside.port)
        for answer in [["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]] {
            let names = try NameServer { _, _ in answer }
            let fixture = try EgressFixture(
                "http://mixed.example:\(inside.port)/", allow: ["127.0.0.2/32"], lookups: names.lookups())
            #expect(try fixture.send().outcome.word == "address_refused")
            fixture.stop()
            names.stop()
        }
        #expect((inside.count, outside.count) == (0, 0))
        inside.stop()
        outside.stop()
    }

    @Test func `a name without an address is not resolved`() throws {
        let names = try NameServer { _, _ in [] }
        let fixture = try EgressFixture("https://nothing.example/", lookups: names.lookups())
        #expect(try fixture.send().outcome.word == "name_not_resolved")
        fixture.stop()
        names.stop()
    }

    @Test func `a name server that says nothing costs its own subscribers their time-out and others nothing`() throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let names = try NameServer { name, _ in name == "silent.example" ? nil : ["127.0.0.1"] }
        let resolver = EgressResolver(EgressGuard(allow: ["127.0.0.0/8"]), lookups: names.lookups(patience: 3))
        let silent = try EgressFixture("http://silent.example:\(subscriber.port)/", resolver)
        let other = try EgressFixture("http://other.example:\(subscriber.port)/", resolver)
        let stuck = (0..<50).map { _ in silent.begin(timeoutNanoseconds: 200_000_000) }
        #expect(try other.send().outcome.word == "delivered")
        for attempt in stuck {
            let outcome = try attempt.wait().outcome
            #expect(outcome.word == "name_not_resolved")
            #expect(outcome.detail.contains("within the time-out"), "\(outcome.detail)")
        }
        // All of them waited for one question.
        #expect(names.count(of: "silent.example") == 1)
        silent.stop()
        other.stop()
        names.stop()
        subscriber.stop()
    }

    @Test func `no more hosts are looked up at once than there is room for, and the next get their turn`() async throws
    {
        let gate = DispatchSemaphore(value: 0)
        let asked = Mutex<[String]>([])
        let lookups = NameLookups { host in
            asked.withLock { $0.append(host) }
            guard host == "other.example" else {
                gate.wait()
                return .failure(NameNotResolved("silence"))
            }
            return .success([try? SocketAddress(ipAddress: "127.0.0.1", port: 0)].compactMap { $0 })
        }
        let resolver = EgressResolver(EgressGuard(allow: ["127.0.0.0/8"]), lookups: lookups)
        let benches = try (1...NameLookups.atOnce).map { try EgressFixture("http://silent\($0).example/", resolver) }
        let stuck = benches.map { $0.begin(timeoutNanoseconds: 100_000_000) }
        for attempt in stuck { #expect(try await attempt.get().outcome.word == "name_not_resolved") }
        try await eventually { asked.withLock { $0.count } == NameLookups.atOnce }
        let subscriber = try Subscriber { _, _ in .status(200) }
        let other = try EgressFixture("http://other.example:\(subscriber.port)/", resolver)
        #expect(try await other.begin(timeoutNanoseconds: 50_000_000).get().outcome.word == "name_not_resolved")
        #expect(asked.withLock { $0.contains("other.example") } == false)
        for _ in benches { gate.signal() }
        #expect(try await other.begin(timeoutNanoseconds: 60_000_000_000).get().outcome.word == "delivered")
        #expect(asked.withLock { $0.count } == NameLookups.atOnce + 1)
        for fixture in benches + [other] { fixture.stop() }
        subscriber.stop()
    }
}
