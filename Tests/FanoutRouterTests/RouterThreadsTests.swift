import EventLog
import JSON
import NIOCore
import StageMetrics
import Testing
import Threads

@testable import EventDelivery
@testable import PipelineConfiguration

/// Lanes on several event loops: real log, real lanes, real sockets.
@Suite(.serialized) struct RouterThreadsTests {
    private func fixture(threads: Int = 3) throws -> StoreFixture {
        let fixture = try StoreFixture()
        try fixture.configure(more: ", threads: \(threads)")
        try fixture.restart()
        return fixture
    }

    private func make(_ name: String, _ subscriber: Subscriber, _ fixture: StoreFixture) throws {
        let body = """
            {"name": "\(name)", "url": "\(subscriber.url)", "order": "key", "signing": {"scheme": "none"},
             "retry": {"schedule": ["0s", "0s", "0s", "0s", "0s", "0s"]}}
            """
        try #require(try fixture.ask("POST", "/v1/subscriptions", body).status == 201)
    }

    @Test func `the delivery loops are as many as router.threads says, otherwise half of the processors`() throws {
        func threads(_ router: String) throws -> Int? {
            let text = "router: { \(router) }\nsources: [{ name: s, provider: superviz, path_token: \"env:T\" }]\n"
            return try TributaryConfiguration.decode(text, file: "t.yaml").router.threads
        }
        #expect(try threads("threads: 5") == 5)
        #expect(try threads("retention: 1d") == nil)
        #expect(throws: ConfigurationErrors.self) { try threads("threads: 0") }
        let (named, other) = (try fixture(threads: 5), try StoreFixture())
        #expect(try named.stage.loops.all { _ in 1 }.count == 5)
        #expect(try other.stage.loops.all { _ in 1 }.count == max(1, System.coreCount / 2))
    }

    @Test func `every subscription gets everything in order on its loop, whatever is changed meanwhile`() async throws {
        let fixture = try fixture()
        let names = (0..<7).map { "app-\($0)" }
        var subscribers: [String: Subscriber] = [:]
        for name in names {
            let subscriber = try Subscriber { number, _ in .status(number % 7 == 0 ? 500 : 200) }
            subscribers[name] = subscriber
            try make(name, subscriber, fixture)
        }
        #expect(try fixture.stage.loops.all { $0.lanes.count }.sorted() == [2, 2, 3])
        for round in 0..<10 {
            fixture.receive(20)
            let name = names[round % names.count]
            if round % 2 == 0 { try fixture.ask("POST", "/v1/subscriptions/\(name)/pause") }
            try fixture.ask("PATCH", "/v1/subscriptions/\(name)", #"{"concurrency": \#(3 + round)}"#)
            try fixture.ask("POST", "/v1/subscriptions/\(name)/resume")
        }
        for name in names {
            let subscriber = try #require(subscribers[name])
            try await eventually { try fixture.show(name)["backlog"].integer == 0 }
            var delivered: [UInt64] = []
            for position in subscriber.ledger.all.map(\.position) where position != delivered.last {
                delivered.append(position)
            }
            #expect(delivered == Array(1...200), "\(name)")
        }
        // What goes makes room on its loop for what comes.
        let loop = fixture.stage.loops.loop(of: names[1])
        try fixture.ask("DELETE", "/v1/subscriptions/\(names[1])")
        try fixture.ask("DELETE", "/v1/subscriptions/\(names[4])")
        try make("late", try #require(subscribers[names[1]]), fixture)
        #expect(fixture.stage.loops.loop(of: "late") === loop)
        let listed = try fixture.ask("GET", "/v1/stats").json["subscriptions"].elements.map { $0["name"].text }
        #expect(listed == (names.filter { $0 != names[1] && $0 != names[4] } + ["late"]).sorted())
    }

    @Test func `what holds up one loop holds up no lane of another`() async throws {
        let fixture = try fixture(threads: 2)
        let (held, free) = (try Subscriber { _, _ in .status(200) }, try Subscriber { _, _ in .status(200) })
        try make("held", held, fixture)
        try make("free", free, fixture)
        let (entered, goOn) = (TimedSemaphore(), TimedSemaphore())
        fixture.stage.loops.execute(on: "held") { _ in
            entered.signal()
            _ = goOn.wait(milliseconds: 60_000)
        }
        #expect(entered.wait(milliseconds: 60_000))
        fixture.receive(50)
        #expect(try await free.wait(for: 50).map(\.position).sorted() == Array(1...50))
        #expect(held.ledger.all.isEmpty)
        goOn.signal()
        #expect(try await held.wait(for: 50).map(\.position).sorted() == Array(1...50))
    }
}
