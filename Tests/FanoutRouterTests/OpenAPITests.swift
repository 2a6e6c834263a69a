import ArgumentParser
import Foundation
import JSON
import LogSamples
import PipelineConfiguration
import Testing

@testable import ControlAPI
@testable import EventDelivery
@testable import Executable
@testable import StageProcess

/// The document that is committed and served, and the operations that it describes.
@Suite(.serialized) final class OpenAPITests {
    private let folder: TemporaryFolder
    private let stage: RouterStage
    private let api: RouterAPI
    private let dispatcher: APIDispatcher

    init() throws {
        folder = try TemporaryFolder()
        let file = folder.path + "/tributary.yaml"
        let configuration = """
            run_dir: \(folder.path)/run
            data_dir: \(folder.path)/state
            sources:
              - { name: stream, provider: stream, secrets: [{ id: k3ytest123abc, value: "literal:secret" }] }
            subscriptions:
              - name: app
                url: "https://subscriber.example/"
                signing: { scheme: standard-webhooks, secrets: ["literal:whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] }
            """
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        let environment = try StageEnvironment.open(.fanoutRouter, try StageOptions.parse(["--config", file]))
        stage = try RouterStage(environment)
        api = RouterAPI(stage)
        dispatcher = APIDispatcher(api, registry: environment.registry, logger: environment.logger)
        stage.start()
    }

    deinit {
        stage.stop()
    }

    private static let committed = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Services/FanoutRouter/ControlAPI/openapi.json")

    private func served() throws -> JSONValue {
        let answer = dispatcher.answer("GET", "/v1/openapi.json", contentType: nil, body: [])
        return try #require(JSONValue.read(answer.body))
    }

    @Test func `the committed document is the one that is served`() throws {
        let text = try served().indented() + "\n"
        if ProcessInfo.processInfo.environment["TRIBUTARY_WRITE_OPENAPI"] != nil {
            try text.write(to: Self.committed, atomically: true, encoding: .utf8)
        }
        let committed = try? String(contentsOf: Self.committed, encoding: .utf8)
        #expect(
            committed == text,
            "TRIBUTARY_WRITE_OPENAPI=1 swift test --filter OpenAPITests makes it anew; commit the result")
    }

    @Test func `every operation is in the document under an id of its own, every schema once`() throws {
        let document = try served()
        let operations = api.operations
        for operation in operations {
            let entry = document["paths"][operation.path][operation.method.rawValue.lowercased()]
            #expect(entry["operationId"].text == operation.id)
            #expect(operation.summary.hasSuffix("."), "\(operation.id)")
            for name in operation.path.split(separator: "/").filter({ $0.hasPrefix("{") }) {
                let isDeclared = operation.parameters.contains { $0.place == .path && "{\($0.name)}" == name }
                #expect(isDeclared, "\(operation.id) declares \(name)")
            }
        }
        #expect(Set(operations.map(\.id)).count == operations.count)
        #expect(Set(RouterAPI.schemas.map(\.0)).count == RouterAPI.schemas.count)
    }

    @Test func `what the document demands of requests is what is checked`() throws {
        let document = try served()
        var schemas: [JSONValue] = []
        for operation in api.operations {
            schemas += (operation.parameters.map(\.schema) + [operation.body].compactMap { $0 })
                .compactMap { JSONValue.read($0.json.bytes) }
        }
        var seen: Set<String> = []
        while let schema = schemas.popLast() {
            let unknown = schema.names.filter { !SchemaCheck.keywords.contains($0) }
            #expect(unknown.isEmpty, "\(unknown) in \(schema.json.text.prefix(200)) are not checked")
            if case .string(let pattern) = schema["pattern"] {
                #expect(pattern.hasPrefix("^") && pattern.hasSuffix("$"), "\(pattern) is not anchored")
                #expect(throws: Never.self) { try Regex(pattern) }
            }
            if case .string(let reference) = schema["$ref"], seen.insert(reference).inserted {
                schemas.append(document["components"]["schemas"][String(reference.split(separator: "/")[2])])
            }
            if case .object(let members) = schema["properties"] { schemas += members.map(\.value) }
            schemas += schema["anyOf"].elements
            for name in ["items", "additionalProperties"] {
                if case .object = schema[name] { schemas.append(schema[name]) }
            }
        }
    }

    @Test func `every reference has its target`() throws {
        let document = try served()
        var values = [document]
        while let value = values.popLast() {
            if case .string(let reference) = value["$ref"] {
                let target = reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] }
                #expect(target != .null, "\(reference)")
            }
            if case .object(let members) = value { values += members.map(\.value) }
            values += value.elements
        }
    }

    @Test func `every operation answers, and with a status that the document lists`() throws {
        let document = try served()
        for operation in api.operations where operation.method != .delete {
            var path = operation.path
            for parameter in operation.parameters where parameter.place == .path {
                path = path.replacingOccurrences(
                    of: "{\(parameter.name)}", with: parameter.name == "name" ? "app" : "1")
            }
            let type = operation.body == nil ? nil : operation.contentTypes[0]
            let body = Array((operation.body == nil ? "" : "{}").utf8)
            let answer = dispatcher.answer(operation.method.rawValue, path, contentType: type, body: body)
            let responses = document["paths"][operation.path][operation.method.rawValue.lowercased()]["responses"]
            #expect(responses.names.contains(String(answer.status)), "\(operation.id) answered \(answer.status)")
            #expect(answer.status < 500, "\(operation.id): \(String(decoding: answer.body, as: UTF8.self))")
        }
    }
}
