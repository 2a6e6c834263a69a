import EventLog
import Executable
import Foundation
import JSON
import Testing

@testable import EventDelivery

/// Another configuration while the router runs.
@Suite(.serialized) struct RouterReloadTests {
    private func entry(_ name: String, _ subscriber: Subscriber, _ more: String = "") -> String {
        "\n  - { name: \(name), url: \"\(subscriber.url)\", signing: { scheme: header, header: x-token, "
            + "secrets: [\"literal:one\"] }\(more) }"
    }

    @Test func `subscriptions are added, changed and removed, and one that returns goes on where it was`() async throws
    {
        let (first, second) = (try Subscriber { _, _ in .status(200) }, try Subscriber { _, _ in .status(200) })
        let fixture = try StoreFixture(subscriptions: entry("one", first))
        fixture.receive(2)
        _ = try await first.wait(for: 2)
        try await eventually { try fixture.show("one")["backlog"].integer == 0 }
        #expect(try fixture.show("one")["origin"] == .string("configuration"))

        try fixture.configure(subscriptions: entry("two", second, ", concurrency: 3"))
        fixture.stage.reload()
        #expect(try fixture.ask("GET", "/v1/subscriptions/one").status == 404)
        #expect(try fixture.show("two")["concurrency"].integer == 3)
        fixture.receive(2)
        #expect(try await second.wait(for: 2).map(\.position).sorted() == [3, 4])
        #expect(first.ledger.all.count == 2)

        try fixture.configure(
            subscriptions: entry("one", first) + entry("two", second, ", filter: { types: [\"room.*\"] }"))
        fixture.stage.reload()
        #expect(try await first.wait(for: 4).map(\.position).sorted() == [1, 2, 3, 4])
        let shown = try fixture.show("two")
        #expect(shown["concurrency"].integer == 30)
        #expect(shown["filter"]["types"].elements.map(\.text) == ["room.*"])
        fixture.receive(1)
        #expect(try await first.wait(for: 5).last?.position == 5)
        try await eventually { try fixture.show("two")["cursor"].integer == 5 }
        #expect(second.ledger.all.count == 2)
    }

    @Test func `a file that is wrong changes nothing`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try StoreFixture(subscriptions: entry("one", subscriber))
        let broken = [
            entry("two", subscriber) + entry("two", subscriber), entry("one", subscriber, ", concurrency: many"),
            entry("one", subscriber, ", colour: red"),
            "\n  - { name: two, url: \"\(subscriber.url)\", signing: { scheme: standard-webhooks, secrets: "
                + "[\"env:TRIBUTARY_TEST_NOT_SET\"] } }",
            "\n  - { name: two, url: \"\(subscriber.url)\", signing: { scheme: standard-webhooks, secrets: "
                + "[\"literal:?\"] } }",
            entry("one", subscriber, ", tls: { ca: \"file:/nonexistent.pem\" }"), "[ {",
        ]
        for text in broken {
            try fixture.configure(subscriptions: text)
            fixture.stage.reload()
            let shown = try fixture.ask("GET", "/v1/subscriptions").json["subscriptions"].elements
            #expect(shown.map { $0["name"].text } == ["one"], "\(text)")
            #expect(shown.first?["concurrency"].integer == 30)
        }
        try FileManager.default.removeItem(atPath: fixture.file)
        fixture.stage.reload()
        fixture.receive(1)
        #expect(try await subscriber.wait(for: 1).first?.header("x-token") == "one")
    }

    @Test func `what the listener refuses leaves the subscriptions as they were`() throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try StoreFixture(subscriptions: entry("one", subscriber))
        try fixture.configure(subscriptions: entry("two", subscriber))
        fixture.stage.reload { _ throws(StageFailure) in throw StageFailure(.configuration, "no token") }
        #expect(try fixture.show("one")["state"] == .string("active"))
        #expect(try fixture.ask("GET", "/v1/subscriptions/two").status == 404)
        fixture.stage.reload { _ in }
        #expect(try fixture.show("two")["state"] == .string("active"))
    }

    @Test func `secrets are read again`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let folder = try #require(ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp" as String?)
        let secret = folder + "/router-reload-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: secret) }
        try "first".write(toFile: secret, atomically: true, encoding: .utf8)
        let fixture = try StoreFixture(
            subscriptions: "\n  - { name: one, url: \"\(subscriber.url)\", signing: { scheme: header, header: x-token, "
                + "secrets: [\"file:\(secret)\"] } }")
        fixture.receive(1)
        #expect(try await subscriber.wait(for: 1).last?.header("x-token") == "first")
        try "second".write(toFile: secret, atomically: true, encoding: .utf8)
        fixture.stage.reload()
        fixture.receive(1)
        #expect(try await subscriber.wait(for: 2).last?.header("x-token") == "second")
    }

    @Test func `the configuration takes a name over and gives it back, at the same place`() async throws {
        let (ours, theirs) = (try Subscriber { _, _ in .status(200) }, try Subscriber { _, _ in .status(200) })
        let fixture = try StoreFixture()
        try fixture.ask("POST", "/v1/subscriptions", "{\"name\": \"app\", \"url\": \"\(theirs.url)\"}")
        fixture.receive(1)
        _ = try await theirs.wait(for: 1)
        try fixture.configure(subscriptions: entry("app", ours))
        fixture.stage.reload()
        #expect(try fixture.show("app")["origin"] == .string("configuration"))
        for (method, path, body) in [
            ("PATCH", "", "{\"concurrency\": 2}"), ("DELETE", "", nil), ("POST", "/rotate-secret", "{}"),
        ] {
            #expect(try fixture.ask(method, "/v1/subscriptions/app\(path)", body).status == 409)
        }
        fixture.receive(1)
        #expect(try await ours.wait(for: 1).map(\.position) == [2])
        try fixture.restart()
        #expect(try fixture.show("app")["origin"] == .string("configuration"))
        #expect(try fixture.ask("POST", "/v1/subscriptions/app/pause").json["state"] == .string("paused"))
        #expect(try fixture.ask("POST", "/v1/subscriptions/app/resume").json["state"] == .string("active"))
        try fixture.configure()
        fixture.stage.reload()
        #expect(try fixture.show("app")["origin"] == .string("api"))
        fixture.receive(1)
        #expect(try await theirs.wait(for: 2).last?.position == 3)
    }

    @Test func `where deliveries may go is taken over`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try StoreFixture(subscriptions: entry("one", subscriber, ", retry: { schedule: [0s] }"))
        try fixture.configure(
            subscriptions: entry("one", subscriber, ", retry: { schedule: [0s] }"), allow: "192.0.2.0/24")
        fixture.stage.reload()
        fixture.receive(1)
        try await eventually { try fixture.show("one")["dead"].integer == 1 }
        let refused = try fixture.ask(
            "POST", "/v1/subscriptions", "{\"name\": \"app\", \"url\": \"\(subscriber.url)\"}")
        #expect(refused.pointers == ["/url"])
        #expect(subscriber.ledger.all.isEmpty)
    }

    @Test func `how long events are kept is taken over`() async throws {
        let fixture = try StoreFixture()
        fixture.receive(5)
        try await fixture.waitForLog()
        try fixture.configure(more: ", retention: 1s")
        fixture.stage.reload()
        try await eventually { try fixture.stage.writer.perform { $0.firstPosition } == 6 }
    }
}
