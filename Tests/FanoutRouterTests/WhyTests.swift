import JSON
import LogSamples
import Testing

@testable import EventDelivery

/// What `why` says of an event in every state that a delivery can be in.
@Suite(.serialized) struct WhyTests {
    private func why(_ fixture: OperationsFixture, _ position: Int, _ subscription: String) throws -> JSONValue {
        let all = try fixture.ask("GET", "/v1/events/\(position)/why").json["subscriptions"].elements
        return try #require(all.first { $0["subscription"].text == subscription })
    }

    private func wait(_ fixture: OperationsFixture, _ position: Int, _ subscription: String, for state: String)
        async throws
        -> JSONValue
    {
        do {
            try await eventually { try why(fixture, position, subscription)["state"].text == state }
        } catch {
            Issue.record("never \(state): \(try why(fixture, position, subscription).json)")
        }
        return try why(fixture, position, subscription)
    }

    @Test func `the first part of the filter that does not match is named with what was expected and found`()
        async throws
    {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let filters = [
            ("types", "{ types: [\"room.*\", \"recording.ready\"] }"), ("sources", "{ sources: [fish] }"),
            ("providers", "{ providers: [fishjam] }"), ("subjects", "{ subjects: [\"room/*\"] }"),
            ("keys", "{ keys: [\"livestream:*\"] }"), ("data", "{ data: [{ pointer: /a, equals: \"2\" }] }"),
        ]
        let fixture = try OperationsFixture(
            filters.map { .init(name: $0.0, url: subscriber.url, filter: $0.1) }
                + [.init(name: "open", url: subscriber.url)])
        fixture.receive(1...1) { sequence in
            Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence, ids: ["id-1"], payload: "{\"a\":\"1\"}",
                attributes: [("partitionkey", "default:1"), ("provider", "stream")])
        }
        try await fixture.waitForLog(1)
        let open = try await wait(fixture, 1, "open", for: "delivered")
        #expect(open["matches"] == .bool(true))
        #expect(open["mismatch"] == .null)
        let found = [
            "types": "participant.joined", "sources": "stream", "providers": "stream", "subjects": "calls/default:1",
            "keys": "default:1", "data": "1",
        ]
        for (part, _) in filters {
            let refused = try why(fixture, 1, part)
            #expect(refused["matches"] == .bool(false))
            #expect(refused["state"].text == "unmatched")
            #expect(refused["waiting_for"] == .null)
            #expect(refused["mismatch"]["part"].text == part)
            #expect(refused["mismatch"]["found"].text == found[part])
            #expect(!refused["mismatch"]["expected"].text.isEmpty)
        }
        let deliveries = try fixture.ask("GET", "/v1/events/1").json["deliveries"].elements
        #expect(deliveries.map { $0["subscription"].text } == ["open"])
        subscriber.stop()
    }

    @Test func `what is in flight, behind it, retrying, given up and disabled says what it waits for`() async throws {
        let silent = try Subscriber { _, _ in .silence }
        let failing = try Subscriber { _, _ in .status(503) }
        let gone = try Subscriber { _, _ in .status(410) }
        let fixture = try OperationsFixture([
            .init(name: "silent", url: silent.url), .init(name: "failing", url: failing.url, schedule: "[0s, 1h]"),
            .init(name: "dead", url: failing.url), .init(name: "gone", url: gone.url),
        ])
        fixture.receive(1...3)
        try await fixture.waitForLog(3)

        let inFlight = try await wait(fixture, 1, "silent", for: "in_flight")
        #expect(!inFlight["waiting_for"].text.isEmpty)
        let behind = try await wait(fixture, 3, "silent", for: "waiting")
        #expect(behind["ahead"].integer == 1)
        #expect(behind["waiting_for"].text.contains("1 requests in flight"))

        let retrying = try await wait(fixture, 1, "failing", for: "retrying")
        #expect(retrying["next_attempt"] != .null)
        try await eventually { try why(fixture, 1, "failing")["attempts"].elements.count == 1 }
        #expect(try why(fixture, 1, "failing")["attempts"].elements[0]["status"].integer == 503)

        let dead = try await wait(fixture, 2, "dead", for: "dead")
        #expect(dead["reason"].text == "status 503")
        #expect(dead["waiting_for"] == .null)

        let disabled = try await wait(fixture, 2, "gone", for: "disabled")
        #expect(disabled["waiting_for"].text.contains("410"))
        for subscriber in [silent, failing, gone] { subscriber.stop() }
    }

    @Test func `an open breaker, a pause and a held key are told apart`() async throws {
        let failing = try Subscriber { _, _ in .status(503) }
        let silent = try Subscriber { _, _ in .silence }
        let fixture = try OperationsFixture([
            .init(name: "broken", url: failing.url, schedule: "[0s, 1h]"), .init(name: "paused", url: failing.url),
            .init(name: "ordered", url: silent.url, more: "order: key"),
        ])
        #expect(try fixture.ask("POST", "/v1/subscriptions/paused/pause").status == 200)
        fixture.receive(1...20) { sequence in
            Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence, ids: ["id-\(sequence)"],
                attributes: [("partitionkey", "one")])
        }
        try await fixture.waitForLog(20)
        let paused = try await wait(fixture, 20, "paused", for: "paused")
        #expect(paused["waiting_for"].text == "paused by an operator")
        #expect(paused["ahead"].integer == 19)

        let resting = try fixture.ask("POST", "/v1/subscriptions/broken/pause")
        #expect(resting.json["state"].text == "paused")
        let behind = try why(fixture, 20, "broken")
        #expect(behind["waiting_for"].text == "paused by an operator")
        #expect(try fixture.ask("POST", "/v1/subscriptions/broken/resume").status == 200)

        try await eventually { try why(fixture, 20, "broken")["breaker"].text == "open" }
        #expect(try why(fixture, 20, "broken")["matches"] == .bool(true))

        // One delivery holds the only key; what was taken meanwhile waits for it.
        let first = try await wait(fixture, 1, "ordered", for: "in_flight")
        #expect(first["breaker"].text == "closed")
        let second = try why(fixture, 2, "ordered")
        #expect(["held", "waiting"].contains(second["state"].text))
        #expect(!second["waiting_for"].text.isEmpty)
        failing.stop()
        silent.stop()
    }

    @Test func `what waits for its replay says so until the lane takes it up`() async throws {
        let failing = try Subscriber { _, _ in .status(503) }
        let fixture = try OperationsFixture([.init(name: "app", url: failing.url)])
        fixture.receive(1...1)
        try await fixture.waitForLog(1)
        _ = try await wait(fixture, 1, "app", for: "dead")
        #expect(try fixture.ask("POST", "/v1/subscriptions/app/pause").status == 200)
        let replay = try fixture.ask("POST", "/v1/replays", "{\"subscription\":\"app\",\"from\":\"dead-letters\"}")
        let queued = try await wait(fixture, 1, "app", for: "queued")
        #expect(queued["waiting_for"].text == "its turn in replay \(replay.json["id"].text)")
        #expect(queued["attempts"].elements.count == 1)
        let cancelled = try fixture.ask("POST", "/v1/replays/\(replay.json["id"].text)/cancel")
        #expect(cancelled.json["waiting"].integer == 0)
        _ = try await wait(fixture, 1, "app", for: "dead")
        failing.stop()
    }
}
