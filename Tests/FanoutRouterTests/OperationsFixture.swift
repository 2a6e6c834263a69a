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

/// A whole router asked through the dispatcher of its API: real log, real lanes, real subscribers. Every answer is held
/// against what the operation declares.
final class OperationsFixture: ReceivingFixture {
    /// A subscription of the configuration, one request at a time.
    struct Subscribing {
        var name: String
        var url: String
        var filter = "{}"
        var schedule = "[0s]"
        var more = ""

        var yaml: String {
            """
              - name: \(name)
                url: "\(url)"
                filter: \(filter)
                signing: { scheme: standard-webhooks, secrets: ["literal:whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] }
                retry: { schedule: \(schedule), timeout: 5m }
                concurrency: 1
            \(more.isEmpty ? "" : "    " + more + "\n")
            """
        }
    }

    struct Answer {
        var status: Int
        var json: JSONValue
        var fields: [(name: String, value: String)]

        /// The members `name` of the objects under `list`, as text.
        func texts(_ list: String, _ name: String) -> [String] { json[list].elements.map { $0[name].text } }
    }

    let folder: TemporaryFolder
    let stage: RouterStage
    let environment: StageEnvironment
    private let api: RouterAPI
    private let dispatcher: APIDispatcher

    /// `router`: added to the router's part, with the folder of this test in place of `FOLDER`.
    init(_ subscriptions: [Subscribing] = [], router: String = "") throws {
        folder = try TemporaryFolder()
        let router = router.replacing("FOLDER", with: folder.path)
        let file = folder.path + "/tributary.yaml"
        let configuration = """
            run_dir: \(folder.path)/run
            data_dir: \(folder.path)/state
            router: { egress_allow: ["127.0.0.0/8"]\(router.isEmpty ? "" : ", " + router) }
            sources:
              - { name: stream, provider: stream, secrets: [{ id: k3ytest123abc, value: "literal:secret" }] }
              - { name: fish, provider: stream, secrets: [{ id: k3ytest456def, value: "literal:secret" }] }
            subscriptions: \(subscriptions.isEmpty ? "[]" : "")

            """
        try (configuration + subscriptions.map(\.yaml).joined())
            .write(toFile: file, atomically: true, encoding: .utf8)
        environment = try StageEnvironment.open(.fanoutRouter, try StageOptions.parse(["--config", file]))
        stage = try RouterStage(environment)
        api = RouterAPI(stage)
        dispatcher = APIDispatcher(api, registry: environment.registry, logger: environment.logger)
        stage.start()
    }

    deinit {
        stage.stop()
    }

    /// Asks as a listener does.
    func ask(_ method: String, _ target: String, _ body: String? = nil) throws -> Answer {
        let answer = dispatcher.answer(
            method, target, contentType: body == nil ? nil : "application/json", body: Array((body ?? "").utf8))
        let json =
            answer.status == 204 ? .null : try #require(JSONValue.read(answer.body), "\(method) \(target)")
        let operation = try? dispatcher.call(method, target).operation
        let check = SchemaCheck(RouterAPI.schemas)
        if answer.status < 300, let operation {
            let results = [operation.success] + operation.alternatives
            let result = try #require(results.first { $0.status == answer.status })
            let errors = result.schema.map { check.errors(in: json, $0) } ?? []
            #expect((result.schema == nil) == answer.body.isEmpty)
            #expect(errors.isEmpty, "\(method) \(target): \(errors) in \(json.json.text.prefix(2000))")
        } else {
            #expect(check.errors(in: json, .ref("Problem")).isEmpty)
            #expect(json["status"].integer == Int64(answer.status))
            if let operation {
                let usual: [APIProblem.Code] = [.badRequest, .invalid, .unsupportedMediaType, .bodyTooLarge]
                let codes = (operation.problems + usual).map(\.rawValue)
                #expect(codes.contains(json["code"].text), "\(method) \(target) does not declare \(json["code"].text)")
            }
        }
        return Answer(status: answer.status, json: json, fields: answer.fields)
    }

    /// Follows the cursors of a list to its end.
    func all(_ target: String, _ list: String) throws -> [JSONValue] {
        var elements: [JSONValue] = []
        var cursor: String?
        repeat {
            let mark = target.contains("?") ? "&" : "?"
            let page = try ask("GET", target + (cursor.map { "\(mark)cursor=\($0)" } ?? ""))
            #expect(page.status == 200)
            elements += page.json[list].elements
            cursor = page.json["next_cursor"] == .null ? nil : page.json["next_cursor"].text
        } while cursor != nil
        return elements
    }

    var writer: LogWriter { stage.writer }

    /// Waits until everything up to that sequence is in the log.
    func waitForLog(_ sequence: UInt64) async throws {
        try await eventually {
            try self.stage.writer.perform { try $0.watermarks()[RouterFixture.journal] } == sequence
        }
    }
}
