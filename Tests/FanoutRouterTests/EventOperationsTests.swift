import Events
import JSON
import LogSamples
import Primitives
import Synchronization
import Testing

@testable import EventDelivery

/// Searching the log through the API of a whole router.
@Suite(.serialized) struct EventOperationsTests {
    @Test func `a walk through 2500 events meets each once in either direction while new ones come`() async throws {
        let fixture = try OperationsFixture()
        for start in stride(from: UInt64(1), to: 2500, by: 250) { fixture.receive(start...(start + 249)) }
        try await fixture.waitForLog(2500)
        var next: UInt64 = 2501
        for (order, expected) in [("desc", Array((1...2500).reversed())), ("asc", Array(1...2500))] {
            var positions: [Int] = []
            var cursor = ""
            repeat {
                let page = try fixture.ask("GET", "/v1/events?order=\(order)&limit=300\(cursor)")
                positions += page.json["events"].elements.compactMap { $0["position"].integer.map { Int($0) } }
                cursor = page.json["next_cursor"] == .null ? "" : "&cursor=\(page.json["next_cursor"].text)"
                fixture.receive(next...next)
                try await fixture.waitForLog(next)
                next += 1
            } while !cursor.isEmpty
            let walked = order == "asc" ? Array(positions.prefix(2500)) : positions
            #expect(walked == expected)
            #expect(positions.count == Set(positions).count)
        }
    }

    @Test func `every filter finds what it names and nothing else`() async throws {
        let fixture = try OperationsFixture()
        fixture.receive(1...40) { sequence in
            let isOdd = sequence % 2 == 1
            return Sample.envelope(
                source: sequence <= 30 ? "stream" : "fish", journal: RouterFixture.journal, sequence: sequence,
                ids: ["id-\(sequence)"], type: "dev.tributary.\(isOdd ? "participant.joined" : "room.created")",
                subject: "room/\(sequence % 4)",
                receivedAt: 1_790_000_000_000_000_000 + Int64(sequence) * 1_000_000_000,
                attributes: [("partitionkey", "key-\(sequence % 5)"), ("provider", isOdd ? "stream" : "fishjam")])
        }
        try await fixture.waitForLog(40)
        func positions(_ query: String) throws -> [Int] {
            let page = try fixture.ask("GET", "/v1/events?order=asc&limit=1000&\(query)")
            #expect(page.json["next_cursor"] == .null)
            return page.json["events"].elements.compactMap { $0["position"].integer.map { Int($0) } }
        }
        #expect(try positions("source=fish") == Array(31...40))
        #expect(try positions("source=%2Fsources%2Ffish") == Array(31...40))
        #expect(try positions("type=room.created").count == 20)
        #expect(try positions("type=dev.tributary.room.created") == positions("type=room.*"))
        #expect(try positions("type=*.joined").allSatisfy { $0 % 2 == 1 })
        #expect(try positions("subject=room/3") == stride(from: 3, to: 41, by: 4).map { $0 })
        #expect(try positions("key=key-0") == stride(from: 5, to: 41, by: 5).map { $0 })
        #expect(try positions("provider=fishjam&key=key-0") == [10, 20, 30, 40])
        #expect(try positions("id=id-17") == [17])
        #expect(try positions("after=38") == [39, 40])
        #expect(try positions("key=nobody") == [])
        let descending = try fixture.ask("GET", "/v1/events?after=37&limit=2")
        #expect(descending.texts("events", "position") == ["40", "39"])
        let cursor = descending.json["next_cursor"].text
        let rest = try fixture.ask("GET", "/v1/events?after=37&limit=2&cursor=\(cursor)")
        #expect(rest.texts("events", "position") == ["38"])
        #expect(rest.json["next_cursor"] == .null)
        #expect(descending.json["events"].elements[0]["key"] == .string("key-0"))
    }

    @Test func `times narrow a search to what was received between them`() async throws {
        let fixture = try OperationsFixture()
        fixture.receive(1...6) { sequence in
            Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence, ids: ["id-\(sequence)"],
                receivedAt: 1_790_000_000_000_000_000 + Int64(sequence))
        }
        try await fixture.waitForLog(6)
        let between = RFC3339.text(1_790_000_000_000_000_004)
        #expect(try fixture.ask("GET", "/v1/events?since=\(between)").texts("events", "position") == ["6", "5", "4"])
        #expect(try fixture.ask("GET", "/v1/events?until=\(between)").texts("events", "position") == ["3", "2", "1"])
        let none = try fixture.ask("GET", "/v1/events?since=\(between)&until=\(between)")
        #expect(none.texts("events", "position") == [])
    }

    @Test func `what cannot be read is refused with the parameter's name`() throws {
        let fixture = try OperationsFixture()
        let bad = ["order=up", "limit=0", "limit=1001", "since=yesterday", "cursor=abc", "after=-1", "nobody=1"]
        for query in bad {
            let answer = try fixture.ask("GET", "/v1/events?\(query)")
            #expect(answer.status == 400)
            let name = query.prefix { $0 != "=" }
            #expect(answer.json["detail"].text.contains(name), "\(answer.json["detail"].text)")
        }
    }

    @Test func `a cursor of one order is refused in the other`() async throws {
        let fixture = try OperationsFixture()
        fixture.receive(1...3)
        try await fixture.waitForLog(3)
        let cursor = try fixture.ask("GET", "/v1/events?limit=1").json["next_cursor"].text
        #expect(try fixture.ask("GET", "/v1/events?limit=1&order=asc&cursor=\(cursor)").status == 400)
    }

    @Test func `an id may hold any characters, and a source tells twins apart`() async throws {
        let fixture = try OperationsFixture()
        fixture.receive(1...3) { sequence in
            Sample.envelope(
                source: sequence == 2 ? "fish" : "stream", journal: RouterFixture.journal, sequence: sequence,
                ids: [sequence == 3 ? "77" : "a/b c?d=ü%"], payload: "{\"big\":12345678901234567890, \"a\":[1]}")
        }
        try await fixture.waitForLog(3)
        let target = "/v1/events/a%2Fb%20c%3Fd%3D%C3%BC%25"
        #expect(try fixture.ask("GET", target).json["position"].integer == 2)
        #expect(try fixture.ask("GET", "\(target)?source=stream").json["position"].integer == 1)
        #expect(try fixture.ask("GET", "\(target)?source=nobody").status == 404)
        #expect(try fixture.ask("GET", "\(target)/why?source=stream").json["position"].integer == 1)
        #expect(try fixture.ask("GET", "/v1/events/77").json["position"].integer == 3)
        let event = try fixture.ask("GET", "/v1/events/1").json["event"]
        #expect(event["data"].json.text == "{\"big\":12345678901234567890,\"a\":[1]}")
        #expect(event["sequence"].text == "00000000000000000001")
        #expect(try fixture.ask("GET", "/v1/events/nobody").status == 404)
        #expect(try fixture.ask("GET", "/v1/events/9007199254740991").status == 404)
        #expect(try fixture.ask("GET", "/v1/events/18446744073709551615").status == 404)
    }

    @Test func `one event shows its way and its deliveries with every attempt once`() async throws {
        let refusals = Mutex(2)
        let subscriber = try Subscriber { _, request in
            let isRefused =
                request.position == 1
                && refusals.withLock { left in
                    defer { left -= 1 }
                    return left > 0
                }
            return .status(isRefused ? 503 : 200)
        }
        let fixture = try OperationsFixture([.init(name: "app", url: subscriber.url, schedule: "[0s, 1ms, 1ms]")])
        fixture.receive(1...2)
        try await fixture.waitForLog(2)
        _ = try await subscriber.wait(for: 4)
        try await eventually {
            try fixture.ask("GET", "/v1/events/1").json["deliveries"].elements.first?["state"].text == "delivered"
        }
        // Saved and unsaved attempts overlap for a moment; no attempt may ever be shown twice.
        for _ in 0..<20 {
            let event = try fixture.ask("GET", "/v1/events/1").json
            let numbers =
                event["deliveries"].elements.first?["attempts"].elements.compactMap(\.["number"].integer) ?? []
            #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
        }
        let event = try fixture.ask("GET", "/v1/events/1").json
        #expect(event["journey"].elements.map(\.["stage"].text) == ["verifier", "fanout-router"])
        let saved = { () throws -> [JSONValue] in
            try fixture.ask("GET", "/v1/events/1").json["deliveries"].elements[0]["attempts"].elements
        }
        try await eventually { try saved().map(\.["outcome"].text) == ["status", "status", "delivered"] }
        #expect(try saved().map(\.["status"].integer) == [503, 503, 200])
        #expect(try saved().allSatisfy { $0["phase"].text == "answered" && $0["subscription"].text == "app" })
        subscriber.stop()
    }
}
