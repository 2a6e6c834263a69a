import AdminServer
import ArgumentParser
import Bus
import EventLog
import Foundation
import JSON
import LogSamples
import Testing
import Wire

@testable import ControlAPI
@testable import EventDelivery
@testable import Executable
@testable import StageProcess

/// What operators do with a whole router, asked through the dispatcher as the listeners ask it.
@Suite(.serialized) final class AdminTests {
    private let folder: TemporaryFolder
    private let subscriber: Subscriber
    private let stage: RouterStage
    private let dispatcher: APIDispatcher

    init() throws {
        folder = try TemporaryFolder()
        subscriber = try Subscriber { number, _ in number == 1 ? .status(500) : .status(200) }
        let file = folder.path + "/tributary.yaml"
        let configuration = """
            run_dir: \(folder.path)/run
            data_dir: \(folder.path)/state
            router: { egress_allow: ["127.0.0.0/8"] }
            sources:
              - { name: stream, provider: stream, secrets: [{ id: k3ytest123abc, value: "literal:secret" }] }
            subscriptions:
              - name: app
                url: "\(subscriber.url)"
                signing: { scheme: standard-webhooks, secrets: ["literal:whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] }
                retry: { schedule: [0s], timeout: 5m }
                concurrency: 1
            """
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        let options = try StageOptions.parse(["--config", file])
        let environment = try StageEnvironment.open(.fanoutRouter, options)
        stage = try RouterStage(environment)
        dispatcher = APIDispatcher(RouterAPI(stage), registry: environment.registry, logger: environment.logger)
        stage.start()
    }

    deinit {
        stage.stop()
    }

    private func ask(
        _ method: String, _ target: String, body: String? = nil
    ) throws -> (status: Int, json: [String: Any]) {
        let answer = dispatcher.answer(
            method, "/v1" + target, contentType: body == nil ? nil : "application/json",
            body: Array((body ?? "").utf8))
        let json = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
        return (answer.status, try #require(json))
    }

    private func receive(_ sequences: ClosedRange<UInt64>, rejectLast: Bool = false) {
        var writer = ByteWriter()
        for sequence in sequences {
            var envelope = Sample.envelope(journal: RouterFixture.journal, sequence: sequence, ids: ["id-\(sequence)"])
            if rejectLast, sequence == sequences.upperBound {
                envelope.withUnsafeMutableBytes { EnvelopePatch.mark($0, flags: .tombstone, resends: 0) }
            }
            writer.u32(UInt32(envelope.count))
            writer.raw(envelope)
        }
        stage.writer.received([
            RecordBatch(stored: writer.bytes, first: sequences.lowerBound, count: sequences.count)
        ])
    }

    @Test func `events, deliveries, dead letters and quarantine can be looked at and replayed`() async throws {
        receive(1...4, rejectLast: true)
        _ = try await subscriber.wait(for: 3)
        try await eventually { (try self.ask("GET", "/dead-letters").json["dead_letters"] as? [Any])?.count == 1 }

        let list = try ask("GET", "/events?type=participant.joined&limit=2&order=asc")
        #expect((list.json["events"] as? [[String: Any]])?.map { $0["id"] as? String } == ["id-1", "id-2"])
        #expect(list.json["next_cursor"] is String)

        let one = try ask("GET", "/events/id-1").json
        #expect(one["position"] as? Int == 1)
        #expect((one["event"] as? [String: Any])?["sequence"] as? String == "00000000000000000001")
        let journey = one["journey"] as? [[String: Any]]
        #expect(journey?.map { $0["stage"] as? String } == ["verifier", "fanout-router"])
        let delivery = (one["deliveries"] as? [[String: Any]])?.first
        #expect(delivery?["state"] as? String == "dead")
        #expect((delivery?["attempts"] as? [[String: Any]])?.first?["status"] as? Int == 500)
        let second = try ask("GET", "/events/2").json["deliveries"] as? [[String: Any]]
        #expect(second?.first?["state"] as? String == "delivered")
        #expect((second?.first?["attempts"] as? [Any])?.count == 1)
        #expect(try ask("GET", "/events/nobody").status == 404)

        let replay = try ask("POST", "/replays", body: "{\"subscription\":\"app\",\"from\":\"dead-letters\"}")
        #expect(replay.status == 202)
        #expect(try await subscriber.wait(for: 4).last?.position == 1)
        #expect(try ask("POST", "/replays", body: "{").status == 400)

        let quarantined = try #require(try ask("GET", "/quarantine").json["quarantine"] as? [[String: Any]])
        #expect(quarantined.map { $0["code"] as? String } == ["poison"])
        let id = try #require(quarantined.first?["id"] as? Int)
        let whole = try ask("GET", "/quarantine/\(id)").json
        #expect(whole["body_base64"] as? String == Data("{\"a\":1}".utf8).base64EncodedString())
        #expect(try ask("POST", "/quarantine/\(id)/replayed").status == 200)
        #expect(try ask("GET", "/quarantine/\(id)").json["replayed"] is String)
        #expect(try ask("GET", "/quarantine/77").status == 404)

        let lanes = try ask("GET", "/subscriptions").json["subscriptions"] as? [[String: Any]]
        #expect(lanes?.first?["state"] as? String == "active")
        #expect(lanes?.first?["cursor"] as? Int == 3)
        #expect(try ask("POST", "/subscriptions/app/resume").status == 200)
        #expect(try ask("POST", "/subscriptions/nobody/resume").status == 404)
        #expect(!stage.readiness().contains { !$0.ok })
    }
}
