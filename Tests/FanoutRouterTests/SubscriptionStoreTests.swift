import EventLog
import Foundation
import JSON
import StageMetrics
import Testing

@testable import ControlAPI
@testable import EventDelivery

/// Subscriptions made and changed through the API: real log, real lanes, real sockets.
@Suite(.serialized) struct SubscriptionStoreTests {
    private func new(_ name: String, _ subscriber: Subscriber, _ more: String = "") -> String {
        """
        {"name": "\(name)", "url": "\(subscriber.url)", "retry": {"schedule": ["0s", "0s", "0s"]}\(more)}
        """
    }

    @Test func `a token in the query of a URL is shown to whoever may change the subscription, and to nobody else`()
        throws
    {
        let fixture = try StoreFixture()
        let body = #"{"name":"app","url":"https://hooks.example.com/in?token=s3cret","signing":{"scheme":"none"}}"#
        #expect(try fixture.ask("POST", "/v1/subscriptions", body).status == 201)
        for target in ["/v1/subscriptions", "/v1/subscriptions/app"] {
            let masked = try fixture.text(target, scopes: [.read, .replay])
            #expect(masked.contains("https://hooks.example.com/in?(hidden)") && !masked.contains("s3cret"))
            #expect(try fixture.text(target, scopes: [.read, .write]).contains("?token=s3cret"))
        }
    }

    @Test func `numbers that are whole are taken however they are written, as the schema says`() throws {
        let fixture = try StoreFixture()
        let more = #""concurrency":1e1,"rate_limit":100.0,"start":1.0,"mode":{"batch":{"every":"1s","max_events":5e1}}"#
        let body = #"{"name":"app","url":"https://hooks.example.com/","signing":{"scheme":"none"},\#(more)}"#
        let made = try fixture.ask("POST", "/v1/subscriptions", body)
        #expect(made.status == 201, "\(made.text)")
        #expect(made.json["concurrency"] == .number("10") && made.json["rate_limit"] == .number("100"))
        #expect(made.json["mode"]["batch"]["max_events"] == .number("50"))
        #expect(try fixture.ask("PATCH", "/v1/subscriptions/app", #"{"concurrency":1.5}"#).status == 422)
    }

    @Test func `a subscription delivers as soon as it is made, from its start on`() async throws {
        let fixture = try StoreFixture()
        let (latest, earliest) = (try Subscriber { _, _ in .status(200) }, try Subscriber { _, _ in .status(200) })
        let (third, later) = (try Subscriber { _, _ in .status(200) }, try Subscriber { _, _ in .status(200) })
        fixture.receive(4)
        try await fixture.waitForLog()
        let created = try fixture.ask("POST", "/v1/subscriptions", new("app", latest))
        #expect(created.status == 201)
        #expect(created.location == "/v1/subscriptions/app")
        #expect(created.json["state"] == .string("active"))
        #expect(created.json["cursor"].integer == 4)
        #expect(created.json["origin"] == .string("api"))
        #expect(created.json["revision"].integer == 1)
        try fixture.ask("POST", "/v1/subscriptions", new("old", earliest, ", \"start\": \"earliest\""))
        try fixture.ask("POST", "/v1/subscriptions", new("third", third, ", \"start\": 3"))
        let time = "2026-09-01T00:00:00Z"
        try fixture.ask("POST", "/v1/subscriptions", new("later", later, ", \"start\": \"\(time)\""))
        fixture.receive(2)
        #expect(try await latest.wait(for: 2).map(\.position).sorted() == [5, 6])
        #expect(try await earliest.wait(for: 6).map(\.position).sorted() == [1, 2, 3, 4, 5, 6])
        #expect(try await third.wait(for: 4).map(\.position).sorted() == [3, 4, 5, 6])
        #expect(try await later.wait(for: 6).count == 6)
        let beyond = try fixture.ask("POST", "/v1/subscriptions", new("x", latest, ", \"start\": 90"))
        #expect(beyond.status == 422)
        #expect(beyond.pointers == ["/start"])
        #expect(try fixture.ask("GET", "/v1/subscriptions/x").status == 404)
    }

    @Test func `subscriptions, their secrets and their places survive a restart`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        let created = try fixture.ask(
            "POST", "/v1/subscriptions", new("app", subscriber, ", \"filter\": {\"subjects\": [\"calls/*\"]}"))
        let secret = created.json["generated_secret"].text
        #expect(secret.hasPrefix("whsec_"))
        fixture.receive(3)
        _ = try await subscriber.wait(for: 3)
        try await eventually { try fixture.show("app")["backlog"].integer == 0 }
        try fixture.restart()
        fixture.receive(2)
        let requests = try await subscriber.wait(for: 5)
        #expect(requests.map(\.position).sorted() == [1, 2, 3, 4, 5])
        for request in requests { #expect(SignatureCheck.accepts(request, secret)) }
        let shown = try fixture.show("app")
        #expect(shown["filter"]["subjects"].elements.map(\.text) == ["calls/*"])
        #expect(shown["created"] == created.json["created"])
        #expect(
            shown["signing"]["secrets"].elements.map { $0["fingerprint"] }
                == created.json["signing"]["secrets"].elements.map { $0["fingerprint"] })
    }

    @Test func `a paused subscription keeps its place, over a restart too`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        try fixture.ask("POST", "/v1/subscriptions", new("app", subscriber))
        fixture.receive(2)
        _ = try await subscriber.wait(for: 2)
        #expect(try fixture.ask("POST", "/v1/subscriptions/app/pause").json["state"] == .string("paused"))
        fixture.receive(3)
        try await fixture.waitForLog()
        try fixture.restart()
        let shown = try fixture.show("app")
        #expect(shown["state"] == .string("paused"))
        #expect(shown["backlog"].integer == 3)
        #expect(subscriber.ledger.all.count == 2)
        #expect(try fixture.ask("POST", "/v1/subscriptions/app/resume").json["state"] == .string("active"))
        #expect(try await subscriber.wait(for: 5).map(\.position).sorted() == [1, 2, 3, 4, 5])
        #expect(try fixture.ask("POST", "/v1/subscriptions/nobody/pause").status == 404)
    }

    @Test func `after a deletion the same name starts anew`() async throws {
        let fixture = try StoreFixture()
        let (first, second) = (try Subscriber { _, _ in .status(500) }, try Subscriber { _, _ in .status(200) })
        try fixture.ask("POST", "/v1/subscriptions", new("app", first))
        fixture.receive(2)
        try await eventually { try fixture.show("app")["dead"].integer == 2 }
        #expect(try fixture.ask("DELETE", "/v1/subscriptions/app").status == 204)
        #expect(try fixture.ask("GET", "/v1/subscriptions/app").status == 404)
        #expect(try fixture.ask("DELETE", "/v1/subscriptions/app").status == 404)
        #expect(try fixture.ask("GET", "/v1/subscriptions").json["subscriptions"] == .array([]))
        #expect(try fixture.ask("POST", "/v1/subscriptions", new("app", second)).status == 201)
        let shown = try fixture.show("app")
        #expect(shown["dead"].integer == 0)
        #expect(shown["cursor"].integer == 2)
        fixture.receive(1)
        #expect(try await second.wait(for: 1).map(\.position) == [3])
        try fixture.ask("DELETE", "/v1/subscriptions/app")
        try fixture.restart()
        #expect(try fixture.ask("GET", "/v1/subscriptions/app").status == 404)
    }

    @Test func `changes under load lose nothing`() async throws {
        let fixture = try StoreFixture()
        let (first, second) = (try Subscriber { _, _ in .status(200) }, try Subscriber { _, _ in .status(200) })
        try fixture.ask("POST", "/v1/subscriptions", new("app", first))
        for round in 1...40 {
            fixture.receive(25)
            let url = round.isMultiple(of: 2) ? first.url : second.url
            let patch = "{\"url\": \"\(url)\", \"concurrency\": \(1 + round % 7)}"
            let changed = try fixture.ask("PATCH", "/v1/subscriptions/app", patch)
            #expect(changed.json["url"] == .string(url))
            #expect(changed.json["revision"].integer == Int64(round + 1))
        }
        try await eventually { Set((first.ledger.all + second.ledger.all).map(\.position)).count == 1000 }
        #expect(!first.ledger.all.isEmpty && !second.ledger.all.isEmpty)
        #expect(try fixture.show("app")["dead"].integer == 0)
    }

    @Test func `a merge patch changes what it names and gives defaults back`() throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        try fixture.ask(
            "POST", "/v1/subscriptions",
            new("app", subscriber, ", \"concurrency\": 5, \"filter\": {\"types\": [\"room.*\"], \"subjects\": [\"a\"]}")
        )
        let patch = "{\"filter\": {\"subjects\": null}, \"concurrency\": null, \"timeout\": \"3s\"}"
        let changed = try fixture.ask("PATCH", "/v1/subscriptions/app", patch).json
        #expect(changed["filter"]["types"].elements.map(\.text) == ["room.*"])
        #expect(changed["filter"]["subjects"] == .array([]))
        #expect(changed["concurrency"].integer == 30)
        #expect(changed["timeout"] == .string("3s"))
        #expect(changed["revision"].integer == 2)
        // What changes nothing is no revision.
        #expect(try fixture.ask("PATCH", "/v1/subscriptions/app", patch).json["revision"].integer == 2)
        #expect(try fixture.ask("PATCH", "/v1/subscriptions/app", "{\"name\": \"b\"}").pointers == ["/name"])
        #expect(try fixture.ask("PATCH", "/v1/subscriptions/app", "{\"start\": 1}").pointers == ["/start"])
        #expect(try fixture.ask("PATCH", "/v1/subscriptions/app", "{\"url\": null}").pointers == ["/url"])
        #expect(try fixture.show("app")["revision"].integer == 2)
    }

    @Test func `what cannot be is refused and the pointer says where`() throws {
        let fixture = try StoreFixture()
        let refusals: [(String, String)] = [
            ("\"url\": \"https://user@example.com/\"", "/url"), ("\"url\": \"ftp://example.com\"", "/url"),
            ("\"url\": \"https://10.0.0.1/\"", "/url"), ("\"url\": \"https://[::ffff:10.0.0.1]/\"", "/url"),
            ("\"url\": \"https://[fe80::1]/\"", "/url"), ("\"url\": \"http://93.184.215.14/\"", "/url"),
            ("\"url\": \"https://e.com/\", \"concurrency\": 0", "/concurrency"),
            ("\"url\": \"https://e.com/\", \"filter\": {\"sources\": [\"nobody\"]}", "/filter/sources/0"),
            ("\"url\": \"https://e.com/\", \"filter\": {\"data\": [{\"pointer\": \"/a\"}]}", "/filter/data/0"),
            ("\"url\": \"https://e.com/\", \"tls\": {\"ca\": \"file:/etc/passwd\"}", "/tls"),
            ("\"url\": \"https://e.com/\", \"colour\": 1", "/colour"),
            (
                "\"url\": \"https://e.com/\", \"signing\": {\"scheme\": \"stream\", \"api_key\": \"k\"}",
                "/signing/secrets"
            ),
            ("\"url\": \"https://e.com/\", \"signing\": {\"scheme\": \"header\"}", "/signing/secrets"),
            (
                "\"url\": \"https://e.com/\", \"signing\": {\"scheme\": \"none\", \"secrets\": [\"a\"]}",
                "/signing/secrets"
            ),
            (
                "\"url\": \"https://e.com/\", \"signing\": {\"scheme\": \"standard-webhooks\", \"secrets\": [\"?\"]}",
                "/signing/secrets/0"
            ),
            (
                "\"url\": \"https://e.com/\", \"signing\": {\"scheme\": \"header\", \"secrets\": [\"env:HOME\"]}",
                "/signing/secrets/0"
            ),
            ("\"url\": \"https://e.com/\", \"start\": \"yesterday\"", "/start"),
        ]
        for (members, pointer) in refusals {
            let answer = try fixture.ask("POST", "/v1/subscriptions", "{\"name\": \"app\", \(members)}")
            #expect(answer.status == 422, "\(members)")
            #expect(answer.pointers.contains(pointer), "\(members): \(answer.text)")
        }
        #expect(
            try fixture.ask("POST", "/v1/subscriptions", "{\"name\": \"A b\", \"url\": \"https://e.com\"}").status
                == 422)
        #expect(try fixture.ask("POST", "/v1/subscriptions", "[]").status == 422)
        let long = String(repeating: "x", count: 1000)
        let subjects = (0..<80).map { "\"\($0)\(long)\"" }.joined(separator: ",")
        let large = "{\"name\": \"app\", \"url\": \"https://e.com/\", \"filter\": {\"subjects\": [\(subjects)]}}"
        #expect([413, 422].contains(try fixture.ask("POST", "/v1/subscriptions", large).status))
        #expect(try fixture.ask("GET", "/v1/subscriptions").json["subscriptions"] == .array([]))
    }

    @Test func `a test request is signed, marked, and no part of the log`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { number, _ in .status(number == 1 ? 200 : 503) }
        let created = try fixture.ask("POST", "/v1/subscriptions", new("app", subscriber))
        let attempt = try fixture.ask("POST", "/v1/subscriptions/app/test").json
        #expect(attempt["outcome"] == .string("delivered"))
        #expect(attempt["position"] == .null)
        let request = try #require(subscriber.ledger.all.first)
        #expect(request.header("tributary-test") == "true")
        #expect(SignatureCheck.accepts(request, created.json["generated_secret"].text))
        let event = try #require(JSONValue.read(request.body))
        #expect(event["type"] == .string("dev.tributary.test.requested"))
        #expect(event["specversion"] == .string("1.0"))
        #expect(try fixture.ask("POST", "/v1/subscriptions/app/test").json["status"].integer == 503)
        let shown = try fixture.show("app")
        #expect(shown["cursor"].integer == 0 && shown["retrying"].integer == 0 && shown["dead"].integer == 0)
    }

    @Test func `a list goes on where its page ended`() throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        for name in ["c", "a", "e", "b", "d"] { try fixture.ask("POST", "/v1/subscriptions", new(name, subscriber)) }
        var names: [String] = []
        var cursor = ""
        repeat {
            let page = try fixture.ask("GET", "/v1/subscriptions?limit=2" + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
                .json
            names += page["subscriptions"].elements.map { $0["name"].text }
            cursor = page["next_cursor"].text
        } while !cursor.isEmpty
        #expect(names == ["a", "b", "c", "d", "e"])
        #expect(try fixture.ask("GET", "/v1/subscriptions?cursor=a").status == 400)
        #expect(try fixture.ask("POST", "/v1/subscriptions", new("a", subscriber)).status == 409)
    }

    @Test func `what a crash left between the log and the lane is put right at the start`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        fixture.receive(3)
        try await fixture.waitForLog()
        fixture.stop()
        try fixture.withLog { log in
            let document =
                "{\"name\": \"app\", \"url\": \"\(subscriber.url)\", \"filter\": {\"sources\": [\"gone\", \"stream\"]}}"
            let secret = StoredSecret(bytes: SigningSecrets.make(.hmac), createdAtNanoseconds: 1)
            let app = StoredSubscription(
                name: "app", document: document, secrets: [secret], revision: 4, createdAtNanoseconds: 1,
                updatedAtNanoseconds: 2)
            try log.store(app, lane: 1)
            var strange = app
            strange.name = "strange"
            strange.document = "{\"name\": \"strange\", \"from\": \"a later version\"}"
            try log.store(strange, lane: 0)
        }
        try fixture.begin()
        // A source that is no longer configured matches nothing and hurts nobody.
        #expect(try await subscriber.wait(for: 2).map(\.position).sorted() == [2, 3])
        #expect(try fixture.show("app")["revision"].integer == 4)
        #expect(try fixture.ask("GET", "/v1/subscriptions/strange").status == 409)
        #expect(try fixture.ask("POST", "/v1/subscriptions", new("strange", subscriber)).status == 409)
        #expect(try fixture.ask("DELETE", "/v1/subscriptions/strange").status == 204)
        #expect(try fixture.ask("POST", "/v1/subscriptions", new("strange", subscriber)).status == 201)
    }

    @Test func `a subscription with many dead letters is deleted in steps`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(400) }
        try fixture.ask(
            "POST", "/v1/subscriptions", "{\"name\": \"app\", \"url\": \"\(subscriber.url)\", \"retry\": \"stream\"}")
        fixture.receive(SubscriptionStore.droppedRows * 2 + 10)
        try await eventually {
            try fixture.show("app")["dead"].integer == Int64(SubscriptionStore.droppedRows * 2 + 10)
        }
        #expect(try fixture.ask("DELETE", "/v1/subscriptions/app").status == 204)
        try await eventually { try fixture.ask("POST", "/v1/subscriptions", self.new("app", subscriber)).status == 201 }
        #expect(try fixture.show("app")["dead"].integer == 0)
        let left = try fixture.stage.reading.read { try $0.deadLetterCounts() }
        #expect(left.isEmpty)
    }
}
