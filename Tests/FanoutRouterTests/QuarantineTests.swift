import ArgumentParser
import Bus
import EventLog
import Events
import Foundation
import JSON
import LogSamples
import StageMetrics
import Testing
import Wire

@testable import ControlAPI
@testable import EventDelivery
@testable import Executable
@testable import StageProcess

/// The quarantine of a whole router: what goes in by the log thread and what operators ask for.
@Suite(.serialized) final class QuarantineTests {
    private let folder: TemporaryFolder
    private let stage: RouterStage
    private let dispatcher: APIDispatcher
    private let environment: StageEnvironment
    private var next: UInt64 = 1

    init() throws {
        folder = try TemporaryFolder()
        let file = folder.path + "/tributary.yaml"
        let configuration = """
            run_dir: \(folder.path)/run
            data_dir: \(folder.path)/state
            router: { quarantine: { max_webhooks: 40, max_age: 1d } }
            sources:
              - { name: stream, provider: stream, secrets: [{ id: k3ytest123abc, value: "literal:secret" }] }
              - { name: other-rooms, provider: stream, secrets: [{ id: k, value: "literal:secret" }] }
              - name: own
                provider: generic
                verification: { scheme: header, name: X-Own-Sign }
                secrets: [{ value: "literal:secret" }]
            """
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        environment = try StageEnvironment.open(.fanoutRouter, try StageOptions.parse(["--config", file]))
        stage = try RouterStage(environment)
        dispatcher = APIDispatcher(RouterAPI(stage), registry: environment.registry, logger: environment.logger)
        stage.start()
    }

    deinit {
        stage.stop()
    }

    /// A record as it comes to the router, refused by `rejections`.
    private func record(
        _ rejections: [Rejection], source: String = "stream", scheme: String? = "stream", receivedAt: Int64 = 1_000,
        replayOf: (sequence: UInt64, elements: [UInt32])? = nil, head: [(String, String)] = []
    ) -> [UInt8] {
        var writer = ByteWriter()
        Array(source.utf8).withUnsafeBytes { name in
            writer.openEnvelope(source: name, receivedAtNanoseconds: receivedAt) { writer in
                writer.requestHead(head.map { (name: $0.0, value: $0.1) })
                writer.section(.body) { $0.raw(Array("[1,2]".utf8)) }
                guard let replayOf else { return }
                ReplayOrigin.write(
                    journal: JournalID(high: 5, low: 5), sequence: replayOf.sequence, elements: replayOf.elements,
                    to: &writer)
            }
        }
        let sequence = next
        next += 1
        writer.bytes.withUnsafeMutableBytes { bytes in
            EnvelopePatch.seal(
                UnsafeMutableRawBufferPointer(rebasing: bytes[4...]), journal: RouterFixture.journal, sequence: sequence
            )
        }
        if let scheme { Verification(scheme: scheme, keyID: "k").write(to: &writer) }
        for rejection in rejections { rejection.write(to: &writer) }
        writer.patchU32(UInt32(writer.count - 4), at: 0)
        return writer.bytes
    }

    private func receive(_ records: [[UInt8]]) async throws {
        let last = next - 1
        stage.writer.received([
            RecordBatch(
                stored: records.flatMap { $0 }, first: last + 1 - UInt64(records.count), count: records.count)
        ])
        try await eventually {
            try self.stage.writer.perform { try $0.watermarks()[RouterFixture.journal] } == last
        }
    }

    private func ask(
        _ method: String, _ path: String, _ query: [String: String] = [:], body: String? = nil
    ) throws -> (status: Int, json: [String: Any]) {
        let pairs = query.map { "\($0.key)=\($0.value)" }.joined(separator: "&")
        let answer = dispatcher.answer(
            method, "/v1" + path + (pairs.isEmpty ? "" : "?" + pairs),
            contentType: body == nil ? nil : "application/json", body: Array((body ?? "").utf8))
        let json = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
        return (answer.status, try #require(json))
    }

    private func entries(_ query: [String: String] = [:]) throws -> [[String: Any]] {
        let reply = try ask("GET", "/quarantine", query)
        #expect(reply.status == 200)
        return reply.json["quarantine"] as? [[String: Any]] ?? []
    }

    private func ids(_ query: [String: String] = [:]) throws -> [Int] {
        try entries(query).compactMap { $0["id"] as? Int }
    }

    private func cursor(_ query: [String: String]) throws -> String? {
        try ask("GET", "/quarantine", query).json["next_cursor"] as? String
    }

    private func metric(_ name: String, _ source: String) -> Int? {
        let line = environment.registry.render().split(separator: "\n").first {
            $0.hasPrefix(name + "{") && $0.contains("source=\"\(source)\"")
        }
        return line.flatMap { Double($0.split(separator: " ").last ?? "") }.map { Int($0) }
    }

    private let forged = [Rejection(.signatureMismatch, stage: .verifier, detail: "no")]

    @Test func `one entry per code holds all elements, and what is refused again takes its entry's place and name`()
        async throws
    {
        let mixed = [5, 1, 3].map { Rejection(.typeMissing, stage: .normaliser, element: $0) }
        let objects = [2, 4].map { Rejection(.elementNotObject, stage: .normaliser, element: $0) }
        try await receive([
            record(mixed + objects), record(forged, scheme: nil),
            record(forged, scheme: nil, replayOf: (77, [9, 8])),
            record([Rejection(.bodyNotJSON, stage: .normaliser)], scheme: "none"),
            record([Rejection(.typeMissing, stage: .normaliser, element: 8)], replayOf: (77, [8, 9])),
        ])
        let found = try entries()
        let elements = found.map { $0["elements"] as? [Int] }
        #expect(elements == [[1, 3, 5], [2, 4], nil, [8], nil])
        let isVerified = found.map { $0["verified"] as? Bool }
        #expect(isVerified == [true, true, false, true, false])
        #expect(found.map { $0["sequence"] as? Int } == [1, 1, 2, 77, 4])
        #expect(found.map { $0["tries"] as? Int } == [0, 0, 0, 2, 0])
        #expect(found[3]["journal"] as? String == "\(JournalID(high: 5, low: 5))")
        let whole = try ask("GET", "/quarantine/1").json
        #expect(whole["body_base64"] as? String == Data("[1,2]".utf8).base64EncodedString())
    }

    @Test func `heads are masked for whoever may not send webhooks on their way again, and whole for all others`()
        async throws
    {
        let secret = "s3cret-value"
        let secrets = [":token", ":query", "authorization", "cookie", "x-signature", "x-own-sign", "x-proxied"]
        let head =
            secrets.map { ($0, $0 == "x-proxied" ? "/in/stream/\(secret)" : secret) } + [("content-type", "text/plain")]
        try await receive([record(forged, scheme: nil, head: head)])
        func heads(_ scopes: Set<APIScope>) throws -> [String] {
            try ["/v1/quarantine?content=true", "/v1/quarantine/1"].map { target in
                var call = try dispatcher.call("GET", target)
                call.scopes = scopes
                let answer = dispatcher.answer(call, contentType: nil, body: [])
                #expect(answer.status == 200)
                return String(decoding: answer.body, as: UTF8.self)
            }
        }
        for text in try heads([.read]) + heads([.read, .write]) + heads([]) {
            #expect(!text.contains(secret))
            #expect(text.contains(#"["authorization","(hidden)"]"#) && text.contains(#"["content-type","text/plain"]"#))
            #expect(text.contains(#""masked":true"#))
        }
        for text in try heads([.replay]) {
            #expect(text.components(separatedBy: secret).count == head.count)
            #expect(text.contains(#""masked":false"#))
        }
        // The admin socket is for whoever owns this machine.
        let whole = dispatcher.answer("GET", "/v1/quarantine/1", contentType: nil, body: [])
        #expect(String(decoding: whole.body, as: UTF8.self).contains(secret))
    }

    @Test func `forgeries displace forgeries of their source, and the metrics say so`() async throws {
        try await receive((0..<30).map { _ in record(forged, source: "other-rooms", scheme: nil) })
        try await receive((0..<10).map { _ in record([Rejection(.bodyNotJSON, stage: .normaliser)]) })
        try await receive((0..<500).map { _ in record(forged, scheme: nil) })
        #expect(try ids(["source": "other-rooms", "limit": "1000"]).count == 30)
        #expect(try ids(["code": "body_not_json"]).count == 10)
        #expect(try ids(["code": "signature_mismatch", "source": "stream"]).count == 40)
        // The metrics are written once a second.
        try await eventually { metric("tributary_quarantine_webhooks", "stream") == 50 }
        #expect(metric("tributary_quarantine_displaced_total", "stream") == 460)
        #expect(metric("tributary_quarantine_displaced_total", "other-rooms") == 0)
        #expect((metric("tributary_quarantine_bytes", "other-rooms") ?? 0) > 30 * QuarantinedWebhook.rowBytes)
        let totals = try ask("GET", "/quarantine/totals").json["totals"] as? [[String: Any]]
        #expect(totals?.map { $0["webhooks"] as? Int } == [30, 10, 40])
    }

    @Test func `the list is filtered, paged, marked and emptied`() async throws {
        try await receive((1...12).map { record(forged, scheme: nil, receivedAt: Int64($0) * 1_000_000_000) })
        #expect(try ids(["limit": "5"]) == [1, 2, 3, 4, 5])
        let second = try #require(try cursor(["limit": "5"]))
        #expect(try ids(["limit": "5", "cursor": second]) == [6, 7, 8, 9, 10])
        let third = try #require(try cursor(["limit": "5", "cursor": second]))
        #expect(try ids(["limit": "5", "cursor": third]) == [11, 12])
        #expect(try cursor(["limit": "5", "cursor": third]) == nil)
        let older = try #require(try cursor(["order": "desc", "limit": "8"]))
        #expect(try ids(["order": "desc", "limit": "2", "cursor": older]) == [4, 3])
        #expect(try ids(["since": "1970-01-01T00:00:03Z", "until": "1970-01-01T00:00:05Z"]) == [3, 4])
        #expect(try ids(["stage": "verifier", "through": "2"]) == [1, 2])
        #expect(try ids(["stage": "normaliser"]) == [])
        #expect(try entries(["content": "true"]).allSatisfy { $0["body_base64"] is String && $0["head"] is [Any] })
        for bad in [
            ["cursor": "x"], ["order": "desc", "cursor": second], ["since": "yesterday"], ["order": "up"],
            ["replayed": "1"],
        ] {
            #expect(try ask("GET", "/quarantine", bad).status == 400)
        }

        #expect(try ask("POST", "/quarantine/3/replayed").status == 200)
        #expect(try ask("POST", "/quarantine/replayed", body: "{\"ids\":[4,5,99]}").json["replayed"] as? Int == 2)
        #expect(try ask("POST", "/quarantine/replayed", body: "{}").status == 422)
        #expect(try ask("POST", "/quarantine/99/replayed").status == 404)
        #expect(try ids(["replayed": "true"]) == [3, 4, 5])

        #expect(try ask("DELETE", "/quarantine").status == 400)
        #expect(try ask("DELETE", "/quarantine/1").status == 200)
        #expect(try ask("DELETE", "/quarantine/1").status == 404)
        #expect(try ask("DELETE", "/quarantine", ["replayed": "true"]).json["deleted"] as? Int == 3)
        #expect(try ids() == [2, 6, 7, 8, 9, 10, 11, 12])
        #expect(try ask("DELETE", "/quarantine", ["all": "true"]).json["deleted"] as? Int == 8)
        #expect(try ids() == [])
        #expect(try stage.writer.perform { $0.quarantineUse.map(\.webhooks) } == [0, 0, 0, 0])
    }
}
