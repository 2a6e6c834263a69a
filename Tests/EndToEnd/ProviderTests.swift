import Foundation
import Glibc
import Testing
import WebhookSamples

extension EndToEnd {
    @Suite struct Providers {
        private static let token = "an-unguessable-part-of-the-path"
        private static let sources = """
            sources:
              - name: stream
                provider: stream
                secrets: [{ id: \(SampleLibrary.streamAPIKey), value: "literal:\(text(SampleLibrary.streamSecret))" }]
              - name: fastpix
                provider: fastpix
                secrets: [{ value: "literal:\(text(SampleLibrary.fastPixSecret))" }]
              - { name: fishjam, provider: fishjam, path_token: "literal:\(token)" }
              - { name: superviz, provider: superviz, path_token: "literal:\(token)" }
              - { name: eyeson, provider: eyeson-streamrec, path_token: "literal:\(token)" }
              - { name: anything, provider: generic, path_token: "literal:\(token)" }

            """
        private var settings: PipelineSettings {
            PipelineSettings(subscriptions: 1, sources: Self.sources, keepsBodies: true)
        }

        @Test func `the samples of all five providers arrive with the attributes that were foretold`() throws {
            let golden = try goldenAttributes()
            try Pipeline.with(settings) { pipeline in
                let client = try HTTPClient(port: pipeline.port)
                for sample in golden.keys.sorted() {
                    let reply = try client.exchange(try request(sample))
                    #expect(reply.status == 202, "\(sample): \(reply.text)")
                }
                let foretold = golden.values.joined().map { $0 }
                var arrived: [[String: String]] = []
                try waitUntil("everything that was foretold arrives") {
                    arrived = try pipeline.subscriber.ledger(0).bodies.map(Self.attributes)
                    return foretold.allSatisfy { event in arrived.contains { Self.isForetold($0, by: event) } }
                }
                for event in arrived {
                    #expect(event["sequence"]?.utf8.count == 20)
                    #expect(event["recordedtime"] != nil && event["specversion"] == "1.0")
                }
                try Promises.checkQuarantineIsEmpty(of: pipeline)
            }
        }

        @Test func `whatever JSON comes arrives byte for byte, and what is none is refused`() throws {
            let suite = try SampleLibrary.jsonTestSuite()
            try Pipeline.with(settings) { pipeline in
                let client = try HTTPClient(port: pipeline.port)
                let before = pipeline.processes().map(\.pid).sorted()
                var valid: [String: [UInt8]] = [:]
                for file in suite where !file.name.hasPrefix("i_") {
                    let reply = try client.exchange(post("anything", [], file.bytes))
                    #expect([202, 400].contains(reply.status), "\(file.name): \(reply.text)")
                    if file.name.hasPrefix("y_") { valid[file.name] = file.bytes }
                }
                let refused = suite.count { $0.name.hasPrefix("n_") }
                try waitUntil("the valid ones are delivered, the others in quarantine") {
                    try pipeline.subscriber.ledger(0).bodies.count >= valid.count
                        && pipeline.quarantineCodes().count >= refused
                }
                let bodies = pipeline.subscriber.ledger(0).bodies
                #expect(bodies.count == valid.count)
                for (name, bytes) in valid {
                    let ending = Array(",\"data\":".utf8) + bytes + [UInt8(ascii: "}")]
                    #expect(bodies.contains { $0.suffix(ending.count).elementsEqual(ending) }, "\(name)")
                }
                #expect(try pipeline.quarantineCodes().allSatisfy { $0 == "body_not_json" })
                #expect(pipeline.processes().map(\.pid).sorted() == before, "no process died")
            }
        }

        // MARK: Requests

        /// The request that brings a sample: `provider/file`.
        private func request(_ sample: String) throws -> [UInt8] {
            let body = Array(try SampleLibrary.contents(sample))
            let provider = sample.prefix { $0 != "/" }
            switch provider {
            case "stream", "fastpix":
                let known = try SampleLibrary.samples(of: String(provider)).first { "\($0)" == sample }
                let fields = try #require(known?.fields, "\(sample) is not in the index")
                return post("\(provider)", fields, body, token: false)
            case "eyeson-streamrec": return post("eyeson", [], body)
            default: return post("\(provider)", [], body)
            }
        }

        private func post(
            _ source: String, _ fields: [(name: String, value: String)], _ body: [UInt8], token: Bool = true
        ) -> [UInt8] {
            var head = "POST /in/\(source)\(token ? "/\(Self.token)" : "") HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            for (name, value) in fields where name.lowercased() != "content-length" {
                head += "\(name): \(value)\r\n"
            }
            return Array((head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body
        }

        // MARK: Expectations

        private func goldenAttributes() throws -> [String: [[String: String]]] {
            try SampleLibrary.goldenEvents().mapValues(\.events)
        }

        private static func attributes(_ event: [UInt8]) throws -> [String: String] {
            let tree = try JSONSerialization.jsonObject(with: Data(event)) as? [String: Any]
            return try #require(tree).compactMapValues { $0 as? String }
        }

        /// Whether an event has every foretold attribute; what stands in angle brackets is made at the receipt.
        private static func isForetold(_ event: [String: String], by golden: [String: String]) -> Bool {
            golden.allSatisfy { name, value in
                value.hasPrefix("<") ? event[name]?.isEmpty == false : event[name] == value
            }
        }

        private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    }
}
