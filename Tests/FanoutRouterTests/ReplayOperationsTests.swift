import JSON
import LogSamples
import Synchronization
import Testing

@testable import EventDelivery

/// Replays through the API of a whole router, to a real subscriber.
@Suite(.serialized) struct ReplayOperationsTests {
    /// Refuses everything until it is told not to.
    private final class Moods: Sendable {
        let isWell = Atomic(false)
    }

    private func start(_ fixture: OperationsFixture, _ body: String) throws -> OperationsFixture.Answer {
        let answer = try fixture.ask("POST", "/v1/replays", body)
        #expect(answer.status == 202, "\(answer.json.json)")
        return answer
    }

    private func finished(_ fixture: OperationsFixture, _ id: String) async throws -> JSONValue {
        try await eventually {
            let replay = try fixture.ask("GET", "/v1/replays/\(id)").json
            return replay["state"].text == "finished" && replay["waiting"].integer == 0
        }
        return try fixture.ask("GET", "/v1/replays/\(id)").json
    }

    @Test func `dead letters come again with the same ids, marked, and are no dead letters then`() async throws {
        let moods = Moods()
        let subscriber = try Subscriber { _, _ in .status(moods.isWell.load(ordering: .relaxed) ? 200 : 500) }
        let fixture = try OperationsFixture([.init(name: "app", url: subscriber.url)])
        fixture.receive(1...4)
        try await eventually { try fixture.all("/v1/dead-letters", "dead_letters").count == 4 }
        let before = subscriber.ledger.all
        #expect(before.allSatisfy { $0.header("tributary-replay") == nil })

        let body = "{\"subscription\":\"app\",\"from\":\"dead-letters\",\"causes\":[\"status 500\"]}"
        let rehearsal = try fixture.ask("POST", "/v1/replays", body.dropLast() + ",\"dry_run\":true}")
        #expect(rehearsal.status == 200)
        #expect(rehearsal.json["count"].integer == 4)
        #expect(try fixture.all("/v1/replays", "replays").isEmpty)

        moods.isWell.store(true, ordering: .relaxed)
        let replay = try start(fixture, body)
        let id = replay.json["id"].text
        #expect(replay.fields.contains { $0.name == "location" && $0.value == "/v1/replays/\(id)" })
        let done = try await finished(fixture, id)
        #expect(done["queued"].integer == 4)
        let again = Array(subscriber.ledger.all[before.count...])
        #expect(again.count == 4)
        #expect(again.allSatisfy { $0.header("tributary-replay") == id })
        for request in again {
            let first = try #require(before.first { $0.position == request.position })
            #expect(request.header("webhook-id") == first.header("webhook-id"))
            #expect(request.body == first.body)
        }
        try await eventually { try fixture.all("/v1/dead-letters", "dead_letters").isEmpty }
        #expect(try fixture.all("/v1/attempts?subscription=app", "attempts").count { $0["replay"].text == id } == 4)
        subscriber.stop()
    }

    @Test func `a replay from the log sends exactly what its dry run counted`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try OperationsFixture([
            .init(name: "app", url: subscriber.url, filter: "{ types: [\"room.*\"] }")
        ])
        fixture.receive(1...90) { sequence in
            Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence, ids: ["id-\(sequence)"],
                type: "dev.tributary.\(sequence % 3 == 0 ? "room.created" : "participant.joined")",
                subject: "room/\(sequence % 2)")
        }
        let first = try await subscriber.wait(for: 30)
        try await eventually {
            try fixture.ask("GET", "/v1/events/90").json["deliveries"].elements[0]["state"].text == "delivered"
        }
        let selections = [
            ("\"first\":31,\"last\":60", 10), ("\"subjects\":[\"room/1\"]", 15), ("\"types\":[\"room.created\"]", 30),
            ("\"positions\":[3,4,6,3]", 2), ("\"ids\":[\"id-9\",\"id-10\",\"nobody\"]", 1), ("\"all\":true", 30),
            ("\"subjects\":[\"room/1\"],\"first\":80", 2),
        ]
        var received = first.count
        for (selection, expected) in selections {
            let body = "{\"subscription\":\"app\",\"from\":\"log\",\(selection)"
            let count = try fixture.ask("POST", "/v1/replays", body + ",\"dry_run\":true}").json["count"].integer
            #expect(count == Int64(expected), "\(selection)")
            let done = try await finished(fixture, try start(fixture, body + "}").json["id"].text)
            #expect(done["queued"].integer == Int64(expected), "\(selection)")
            received += expected
            #expect(subscriber.ledger.all.count == received, "\(selection)")
        }
        #expect(try fixture.all("/v1/replays?limit=2", "replays").count == selections.count)
        #expect(try fixture.all("/v1/replays?subscription=nobody", "replays").isEmpty)
        subscriber.stop()
    }

    @Test func `a rate is kept, and what is cancelled is sent no more`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try OperationsFixture([.init(name: "app", url: subscriber.url)])
        fixture.receive(1...100)
        _ = try await subscriber.wait(for: 100)
        let clock = ContinuousClock()
        let began = clock.now
        let id = try start(
            fixture, "{\"subscription\":\"app\",\"from\":\"log\",\"all\":true,\"rate\":0.5}"
        ).json["id"].text
        _ = try await subscriber.wait(for: 102)
        let sent = subscriber.ledger.all.count - 100
        let elapsed = (clock.now - began) / .seconds(1)
        // One may go at once.
        #expect(Double(sent) <= 0.5 * elapsed + 1, "\(sent) in \(elapsed) s")

        let refused = try fixture.ask("DELETE", "/v1/replays/\(id)")
        #expect(refused.status == 409)
        #expect(refused.json["code"].text == "conflict")
        let cancelled = try fixture.ask("POST", "/v1/replays/\(id)/cancel")
        #expect(cancelled.status == 200)
        #expect(cancelled.json["state"].text == "cancelled")
        try await eventually { try fixture.ask("GET", "/v1/replays/\(id)").json["waiting"].integer == 0 }
        let replay = try fixture.ask("GET", "/v1/replays/\(id)").json
        #expect(replay["state"].text == "cancelled")
        #expect(replay["finished"] != .null)
        let count = subscriber.ledger.all.count
        #expect(count < 200)
        // What comes later overtakes nothing: a new event arrives and no replayed one with it.
        fixture.receive(101...101)
        _ = try await subscriber.wait(for: count + 1)
        #expect(subscriber.ledger.all.count == count + 1)
        #expect(subscriber.ledger.all.last?.position == 101)
        #expect(try fixture.ask("POST", "/v1/replays/\(id)/cancel").status == 409)
        for unknown in ["999", "9007199254740991"] {
            #expect(try fixture.ask("POST", "/v1/replays/\(unknown)/cancel").status == 404)
            #expect(try fixture.ask("DELETE", "/v1/replays/\(unknown)").status == 404)
            #expect(try fixture.ask("GET", "/v1/replays/\(unknown)").status == 404)
        }
        subscriber.stop()
    }

    @Test func `a replay that has ended and is deleted is gone, and its id is not given again`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try OperationsFixture([.init(name: "app", url: subscriber.url)])
        fixture.receive(1...3)
        _ = try await subscriber.wait(for: 3)
        let body = "{\"subscription\":\"app\",\"from\":\"log\",\"all\":true}"
        let id = try start(fixture, body).json["id"].text
        _ = try await finished(fixture, id)
        #expect(try fixture.ask("DELETE", "/v1/replays/\(id)").status == 204)
        #expect(try fixture.ask("GET", "/v1/replays/\(id)").status == 404)
        #expect(try fixture.ask("DELETE", "/v1/replays/\(id)").status == 404)
        #expect(try fixture.ask("POST", "/v1/replays/\(id)/cancel").status == 404)
        #expect(try fixture.all("/v1/replays", "replays").isEmpty)
        #expect(try start(fixture, body).json["id"].text != id)
        subscriber.stop()
    }

    @Test func `a replay that makes no sense is refused with the place of the mistake`() throws {
        let fixture = try OperationsFixture([.init(name: "app", url: "http://127.0.0.1:1/events")])
        let many = (1...(ReplaySelection.mostNames + 1)).map(String.init).joined(separator: ",")
        let cases = [
            ("{\"subscription\":\"nobody\",\"from\":\"log\",\"all\":true}", 404, ""),
            ("{\"subscription\":\"app\",\"from\":\"log\"}", 422, ""),
            ("{\"subscription\":\"app\",\"from\":\"log\",\"positions\":[]}", 422, ""),
            ("{\"subscription\":\"app\",\"from\":\"letters\"}", 422, "/from"),
            ("{\"subscription\":\"app\",\"from\":\"log\",\"all\":true,\"rate\":0}", 422, "/rate"),
            ("{\"subscription\":\"app\",\"from\":\"log\",\"all\":true,\"rate\":10001}", 422, "/rate"),
            ("{\"subscription\":\"app\",\"from\":\"log\",\"positions\":[\(many)]}", 422, "/positions"),
            ("{\"subscription\":\"app\",\"from\":\"log\",\"positions\":[0]}", 422, "/positions/0"),
            ("{\"subscription\":\"app\",\"from\":\"log\",\"first\":9,\"last\":3}", 422, "/last"),
            ("{\"subscription\":\"app\",\"from\":\"log\",\"all\":true,\"causes\":[\"timeout\"]}", 422, "/causes"),
            ("{\"subscription\":\"app\",\"from\":\"log\",\"since\":\"yesterday\"}", 422, "/since"),
            ("{\"subscription\":\"app\",\"from\":\"log\",\"everything\":true}", 422, "/everything"),
            ("{\"from\":\"log\",\"all\":true}", 422, "/subscription"),
        ]
        for (body, status, pointer) in cases {
            let answer = try fixture.ask("POST", "/v1/replays", body)
            #expect(answer.status == status, "\(body.prefix(200)): \(answer.json.json)")
            if !pointer.isEmpty {
                #expect(answer.json["errors"].elements.map { $0["pointer"].text } == [pointer], "\(body.prefix(200))")
            }
        }
        let reversed = "\"since\":\"2026-01-02T00:00:00Z\",\"until\":\"2026-01-01T00:00:00Z\"}"
        let answer = try fixture.ask("POST", "/v1/replays", "{\"subscription\":\"app\",\"from\":\"log\",\(reversed)")
        #expect(answer.json["errors"].elements.map { $0["pointer"].text } == ["/until"])
    }
}
