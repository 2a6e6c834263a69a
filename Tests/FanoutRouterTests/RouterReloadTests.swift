import EventLog
import Executable
import Foundation
import JSON
import Testing

@testable import FanoutRouter

/// Another configuration while the router runs.
@Suite(.serialized) struct RouterReloadTests {
    private func entry(_ name: String, _ subscriber: Subscriber, _ more: String = "") -> String {
        "\n  - { name: \(name), url: \"\(subscriber.url)\", signing: { scheme: header, header: x-token, "
            + "secrets: [\"literal:one\"] }\(more) }"
    }

    @Test func `subscriptions are added, changed and removed, and one that returns goes on where it was`() async throws
    {
        let (first, second) = (try Subscriber { _, _ in .status(200) }, try Subscriber { _, _ in .status(200) })
        let bench = try StoreBench(subscriptions: entry("one", first))
        bench.receive(2)
        _ = try await first.wait(for: 2)
        try await eventually { try bench.show("one")["backlog"].integer == 0 }
        #expect(try bench.show("one")["origin"] == .string("configuration"))

        try bench.configure(subscriptions: entry("two", second, ", concurrency: 3"))
        bench.stage.reload()
        #expect(try bench.ask("GET", "/v1/subscriptions/one").status == 404)
        #expect(try bench.show("two")["concurrency"].integer == 3)
        bench.receive(2)
        #expect(try await second.wait(for: 2).map(\.position).sorted() == [3, 4])
        #expect(first.ledger.all.count == 2)

        try bench.configure(
            subscriptions: entry("one", first) + entry("two", second, ", filter: { types: [\"room.*\"] }"))
        bench.stage.reload()
        #expect(try await first.wait(for: 4).map(\.position).sorted() == [1, 2, 3, 4])
        let shown = try bench.show("two")
        #expect(shown["concurrency"].integer == 30)
        #expect(shown["filter"]["types"].elements.map(\.text) == ["room.*"])
        bench.receive(1)
        #expect(try await first.wait(for: 5).last?.position == 5)
        try await eventually { try bench.show("two")["cursor"].integer == 5 }
        #expect(second.ledger.all.count == 2)
    }

    @Test func `a file that is wrong changes nothing`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let bench = try StoreBench(subscriptions: entry("one", subscriber))
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
            try bench.configure(subscriptions: text)
            bench.stage.reload()
            let shown = try bench.ask("GET", "/v1/subscriptions").json["subscriptions"].elements
            #expect(shown.map { $0["name"].text } == ["one"], "\(text)")
            #expect(shown.first?["concurrency"].integer == 30)
        }
        try FileManager.default.removeItem(atPath: bench.file)
        bench.stage.reload()
        bench.receive(1)
        #expect(try await subscriber.wait(for: 1).first?.header("x-token") == "one")
    }

    @Test func `what the listener refuses leaves the subscriptions as they were`() throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let bench = try StoreBench(subscriptions: entry("one", subscriber))
        try bench.configure(subscriptions: entry("two", subscriber))
        bench.stage.reload { _ throws(StageFailure) in throw StageFailure(.configuration, "no token") }
        #expect(try bench.show("one")["state"] == .string("active"))
        #expect(try bench.ask("GET", "/v1/subscriptions/two").status == 404)
        bench.stage.reload { _ in }
        #expect(try bench.show("two")["state"] == .string("active"))
    }

    @Test func `secrets are read again`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let folder = try #require(ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp" as String?)
        let secret = folder + "/router-reload-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: secret) }
        try "first".write(toFile: secret, atomically: true, encoding: .utf8)
        let bench = try StoreBench(
            subscriptions: "\n  - { name: one, url: \"\(subscriber.url)\", signing: { scheme: header, header: x-token, "
                + "secrets: [\"file:\(secret)\"] } }")
        bench.receive(1)
        #expect(try await subscriber.wait(for: 1).last?.header("x-token") == "first")
        try "second".write(toFile: secret, atomically: true, encoding: .utf8)
        bench.stage.reload()
        bench.receive(1)
        #expect(try await subscriber.wait(for: 2).last?.header("x-token") == "second")
    }

    @Test func `the configuration takes a name over and gives it back, at the same place`() async throws {
        let (ours, theirs) = (try Subscriber { _, _ in .status(200) }, try Subscriber { _, _ in .status(200) })
        let bench = try StoreBench()
        try bench.ask("POST", "/v1/subscriptions", "{\"name\": \"app\", \"url\": \"\(theirs.url)\"}")
        bench.receive(1)
        _ = try await theirs.wait(for: 1)
        try bench.configure(subscriptions: entry("app", ours))
        bench.stage.reload()
        #expect(try bench.show("app")["origin"] == .string("configuration"))
        for (method, path, body) in [
            ("PATCH", "", "{\"concurrency\": 2}"), ("DELETE", "", nil), ("POST", "/rotate-secret", "{}"),
        ] {
            #expect(try bench.ask(method, "/v1/subscriptions/app\(path)", body).status == 409)
        }
        bench.receive(1)
        #expect(try await ours.wait(for: 1).map(\.position) == [2])
        try bench.restart()
        #expect(try bench.show("app")["origin"] == .string("configuration"))
        #expect(try bench.ask("POST", "/v1/subscriptions/app/pause").json["state"] == .string("paused"))
        #expect(try bench.ask("POST", "/v1/subscriptions/app/resume").json["state"] == .string("active"))
        try bench.configure()
        bench.stage.reload()
        #expect(try bench.show("app")["origin"] == .string("api"))
        bench.receive(1)
        #expect(try await theirs.wait(for: 2).last?.position == 3)
    }

    @Test func `where deliveries may go is taken over`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let bench = try StoreBench(subscriptions: entry("one", subscriber, ", retry: { schedule: [0s] }"))
        try bench.configure(
            subscriptions: entry("one", subscriber, ", retry: { schedule: [0s] }"), allow: "192.0.2.0/24")
        bench.stage.reload()
        bench.receive(1)
        try await eventually { try bench.show("one")["dead"].integer == 1 }
        let refused = try bench.ask("POST", "/v1/subscriptions", "{\"name\": \"app\", \"url\": \"\(subscriber.url)\"}")
        #expect(refused.pointers == ["/url"])
        #expect(subscriber.ledger.all.isEmpty)
    }

    @Test func `how long events are kept is taken over`() async throws {
        let bench = try StoreBench()
        bench.receive(5)
        try await bench.waitForLog()
        try bench.configure(more: ", retention: 1s")
        bench.stage.reload()
        try await eventually { try bench.stage.writer.perform { $0.firstPosition } == 6 }
    }
}
