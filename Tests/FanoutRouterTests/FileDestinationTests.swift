import EventLog
import Foundation
import JSON
import LogSamples
import PipelineConfiguration
import Testing

@testable import EventDelivery

/// Subscriptions of the type file in a whole router: real log, real lanes, real files.
@Suite(.serialized) struct FileDestinationTests {
    private let fixture: OperationsFixture
    private var path: String { fixture.folder.path + "/audit.jsonl" }

    init() throws {
        fixture = try OperationsFixture(router: "file_destinations: FOLDER")
    }

    private func create(_ more: String = "", path: String = "audit.jsonl") throws -> OperationsFixture.Answer {
        try fixture.ask(
            "POST", "/v1/subscriptions", "{\"name\":\"audit\",\"type\":\"file\",\"path\":\"\(path)\"\(more)}")
    }

    private func lines(_ path: String) -> [JSONValue] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            .compactMap { JSONValue.read(Array($0.utf8)) }
    }

    private func ids(_ path: String) -> [String] { lines(path).map { $0["id"].text } }

    private func attempts(_ condition: @escaping (JSONValue) -> Bool) async throws -> JSONValue {
        var found = JSONValue.null
        try await eventually {
            let all = try fixture.ask("GET", "/v1/attempts?subscription=audit").json["attempts"].elements
            found = all.first(where: condition) ?? .null
            return found != .null
        }
        return found
    }

    @Test func `every event is a line, in the order of the log, with its data as it came`() async throws {
        #expect(try create().status == 201)
        fixture.receive(1...1) {
            Sample.envelope(
                journal: RouterFixture.journal, sequence: $0, ids: ["first"],
                payload: "{\n  \"big\": 12345678901234567890,\r\n  \"text\": \"a\\nb\"\n}")
        }
        fixture.receive(2...400)
        try await eventually { lines(path).count == 400 }
        #expect(ids(path) == ["first"] + (2...400).map { "id-\($0)" })
        let first = lines(path)[0]
        #expect(first["specversion"].text == "1.0" && first["type"].text == "dev.tributary.participant.joined")
        #expect(first["data"]["big"] == .number("12345678901234567890") && first["data"]["text"].text == "a\nb")
        try await eventually {
            try fixture.ask("GET", "/v1/subscriptions/audit").json["backlog"].integer == 0
        }
    }

    @Test func `batches are lines too, and the file is put aside by size`() async throws {
        let batch =
            #","mode":{"batch":{"every":"10ms","max_events":50}},"rotate_at":65536,"keep":100,"start":"earliest""#
        fixture.receive(1...600)
        #expect(try create(batch).status == 201)
        func all() -> [String] {
            (1...100).reversed().flatMap { ids(path + ".\($0)") } + ids(path)
        }
        try await eventually { all().count == 600 }
        #expect(all() == (1...600).map { "id-\($0)" })
        #expect(!ids(path + ".1").isEmpty)
    }

    @Test func `a subscription shows its path, and a change of its limits goes on in the same file`() async throws {
        let made = try create()
        #expect(made.json["type"].text == "file" && made.json["path"].text == "audit.jsonl")
        #expect(made.json["rotate_at"].integer == 104_857_600 && made.json["keep"].integer == 10)
        #expect(made.json["generated_secret"] == .null)
        fixture.receive(1...1)
        try await eventually { ids(path).count == 1 }
        let changed = try fixture.ask("PATCH", "/v1/subscriptions/audit", #"{"keep":2,"rotate_at":65536}"#)
        #expect(changed.status == 200 && changed.json["keep"].integer == 2)
        fixture.receive(2...3)
        try await eventually { ids(path).count == 3 }
        #expect(try fixture.ask("PATCH", "/v1/subscriptions/audit", #"{"path":"other.jsonl"}"#).status == 200)
        fixture.receive(4...4)
        try await eventually { ids(fixture.folder.path + "/other.jsonl") == ["id-4"] }
        #expect(try fixture.ask("POST", "/v1/subscriptions/audit/test").json["outcome"].text == "delivered")
    }

    @Test(arguments: [
        "../escape.jsonl", "/etc/escape.jsonl", "a/../../escape.jsonl", "./a.jsonl", "a//b.jsonl", "audit.jsonl.1",
        "a/",
    ])
    func `a path that leaves the folder, or is that of a file put aside, is refused at its key`(path: String) throws {
        let refused = try create(path: path)
        #expect(refused.status == 422 && refused.json["code"].text == "invalid")
        #expect(refused.json["errors"].elements.map { $0["pointer"].text } == ["/path"])
    }

    @Test func `what makes no sense of a file is refused`() throws {
        for more in [#","format":"original""#, #","url":"https://a.example/""#, #","signing":{"scheme":"none"}"#] {
            #expect(try create(more).status == 422, "\(more)")
        }
        let absent = try fixture.ask("POST", "/v1/subscriptions", #"{"name":"audit","type":"file"}"#)
        #expect(absent.json["errors"].elements.map { $0["pointer"].text } == ["/path"])
    }

    @Test func `without a folder for files, or with one that is missing, none is made`() throws {
        for (router, word) in [("", "names none"), ("file_destinations: FOLDER/none", "is no folder")] {
            let fixture = try OperationsFixture(router: router)
            let refused = try fixture.ask(
                "POST", "/v1/subscriptions", #"{"name":"audit","type":"file","path":"audit.jsonl"}"#)
            #expect(refused.status == 422 && refused.json["errors"].elements[0]["pointer"].text == "/path")
            #expect(refused.json["errors"].elements[0]["detail"].text.contains(word), "\(refused.json.json.text)")
        }
    }

    @Test func `what stands in the way is said and waited for, and nothing is lost`() async throws {
        let other = fixture.folder.path + "/elsewhere"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other)
        #expect(try create(#","retry":{"schedule":["0s","10ms"],"repeat_last":true,"deadline":"1h"}"#).status == 201)
        fixture.receive(1...3)
        let attempt = try await attempts { $0["outcome"].text == "address_refused" }
        #expect(attempt["phase"].text == "resolve" && attempt["status"] == .null)
        #expect(attempt["detail"].text == "audit.jsonl is a symbolic link or no folder")
        try FileManager.default.removeItem(atPath: path)
        try await eventually { Set(ids(path)) == ["id-1", "id-2", "id-3"] }
        #expect(!FileManager.default.fileExists(atPath: other))
    }

    @Test func `every kind of the registry is one that the router can deliver to, with words of its own`() {
        #expect(DestinationRegistry.delivering.count == DestinationRegistry.all.count)
        let words = DestinationRegistry.outcomes.map(\.word)
        #expect(Set(words).count == words.count)
        for kind in DestinationRegistry.delivering { #expect(kind.outcomes.contains(.delivered)) }
    }
}
