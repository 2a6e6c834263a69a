import EventLog
import Foundation
import JSON
import Logging
import PipelineConfiguration
import StageMetrics
import Testing

@testable import ControlAPI

/// A small table of operations, for what every operation has in common.
enum SampleAPI {
    static let operations: [APIOperation] = [
        APIOperation(
            "listThings", .get, "/v1/things", scope: .read, summary: "Lists things.",
            parameters: APIParameter.page + [
                .query("colour", .string(oneOf: ["red", "blue"]), "A colour."), APIParameter.since,
                .query("tag", .string(pattern: "^[a-z]+$", length: 1...5), "A tag."),
                .query("fresh", .boolean, "Whether."),
            ],
            success: APIResult(200, "What came.", APISchema(raw: .object([])))
        ) { request in
            APIReply(
                200, .object(request.parameters.sorted { $0.key < $1.key }.map { ($0.key, JSONText.string($0.value)) }))
        },
        APIOperation(
            "makeThing", .post, "/v1/things", scope: .write, summary: "Makes a thing.", body: .ref("Thing"),
            success: APIResult(201, "Made.", .ref("Thing"))
        ) { request in APIReply(201, request.body.json, fields: [("location", "/v1/things/new")]) },
        APIOperation(
            "totalThings", .get, "/v1/things/totals", scope: .read, summary: "Counts things.",
            success: APIResult(200, "Counted.", .integer())
        ) { _ in APIReply(200, .number(7)) },
        APIOperation(
            "getThing", .get, "/v1/things/{name}", scope: .read, summary: "Gets a thing.",
            parameters: [.path("name", .string(length: 1...20), "Its name.")],
            success: APIResult(200, "It.", .string()), problems: [.notFound]
        ) { request in
            switch request["name"] {
            case "gone": throw APIProblem(.notFound, "no thing is named gone")
            case "late": throw EventLogError(.busy, "secret path /var/lib")
            case "broken": throw CancellationError()
            default: APIReply(200, .string(request["name"] ?? ""))
            }
        },
        APIOperation(
            "patchThing", .patch, "/v1/things/{name}", scope: .write, summary: "Changes a thing.",
            parameters: [.path("name", .string(length: 1...20), "Its name.")],
            body: APISchema(raw: .object([("type", .string("object"))])), success: APIResult(200, "It.", .string())
        ) { request in APIReply(200, request.body.json) },
        APIOperation(
            "dropThing", .delete, "/v1/things/{name}", scope: .replay, summary: "Drops a thing.",
            parameters: [.path("name", .string(length: 1...20), "Its name.")],
            success: APIResult(204, "Dropped.", nil)
        ) { _ in APIReply(204, nil) },
        APIOperation(
            "open", .get, "/v1/open", scope: nil, summary: "Says hello to everybody.",
            success: APIResult(200, "Hello.", .string())
        ) { _ in APIReply(200, .string("hello")) },
    ]

    static let schemas: [(String, APISchema)] = [
        (
            "Thing",
            .object(
                [
                    ("name", .string(length: 1...5)), ("size", APISchema.integer(in: 1...10).orNull),
                    ("parts", .array(of: .object([("a/b", .boolean)]), most: 2)),
                    ("when", .anyOf([.time(), .integer()])),
                ], required: ["name"])
        )
    ]

    static func dispatcher(_ registry: MetricRegistry = MetricRegistry(stage: "t", instance: "t-0", version: "1"))
        -> APIDispatcher
    {
        APIDispatcher(
            operations: operations, schemas: schemas, registry: registry,
            logger: Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() }))
    }
}

struct APIDispatcherTests {
    private let dispatcher = SampleAPI.dispatcher()

    private func ask(
        _ method: String, _ target: String, type: String? = nil, body: String = ""
    ) -> (status: Int, text: String, fields: [String: String]) {
        let answer = dispatcher.answer(method, target, contentType: type, body: Array(body.utf8))
        let fields = Dictionary(answer.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { $0 + $1 })
        return (answer.status, String(decoding: answer.body, as: UTF8.self), fields)
    }

    private func post(_ body: String) -> (status: Int, text: String, fields: [String: String]) {
        ask("POST", "/v1/things", type: "application/json", body: body)
    }

    @Test func `a request finds its operation, words before parameters, segments decoded one by one`() {
        #expect(ask("GET", "/v1/things/totals").text == "7")
        #expect(ask("GET", "/v1/things/a%2Fb%20c").text == "\"a/b c\"")
        #expect(ask("HEAD", "/v1/open").status == 200)
        #expect(ask("DELETE", "/v1/things/one").status == 204)
        #expect(ask("DELETE", "/v1/things/one").fields["content-type"] == nil)
    }

    @Test(arguments: ["/", "/v1", "/v1/things/", "/v1//things", "/v1/things/a/b", "/v2/things"])
    func `an unknown path is a problem with a code`(target: String) {
        let answer = ask("GET", target)
        #expect(answer.status == 404)
        #expect(answer.fields["content-type"] == "application/problem+json")
        #expect(answer.text.contains("\"code\":\"not_found\""))
    }

    @Test(arguments: ["/v1/things/%zz", "/v1/things/%ff", "/v1/things?tag=%f", "http://x/v1/open", "*"])
    func `a target that cannot be read is refused`(target: String) {
        #expect(ask("GET", target).status == 400)
    }

    @Test func `another method is told which ones there are`() {
        #expect(ask("PATCH", "/v1/things").fields["allow"] == "GET, POST, HEAD")
        #expect(ask("OPTIONS", "/v1/open").status == 405)
        #expect(ask("DELETE", "/v1/things/totals").status == 405)
    }

    @Test(arguments: [
        "colour=green", "limit=0", "limit=1001", "limit=x", "limit=1.5", "limit=", "other=1", "limit=1&limit=1",
        "since=yesterday", "tag=ABC", "tag=abc%0A", "tag=abcdef", "tag=", "fresh=yes", "cursor=",
    ])
    func `a parameter that is not as declared is refused`(query: String) {
        let answer = ask("GET", "/v1/things?" + query)
        #expect(answer.status == 400, "\(answer.text)")
        #expect(answer.text.contains("\"code\":\"bad_request\""))
    }

    @Test func `parameters as declared reach the operation`() {
        let answer = ask("GET", "/v1/things?colour=red&limit=1000&since=2026-01-02T03:04:05Z&tag=abc&fresh=true")
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.text.contains("\"colour\":\"red\""))
    }

    @Test(arguments: [
        "10", "10.0", "1e1", "1E+1", "0.1e2", "100e-1", "1000.00e-2", "0.00000000000000000000000000001e30",
    ])
    func `a number that is whole is an integer, however it is written`(_ ten: String) {
        #expect(ask("GET", "/v1/things?limit=\(ten.replacingOccurrences(of: "+", with: "%2B"))").status == 200)
        #expect(JSONValue.number(ten).integer == 10)
        #expect(post(#"{"name":"a","size":\#(ten)}"#).status == 201)
        #expect(post(#"{"name":"a","when":\#(ten)}"#).status == 201)
    }

    @Test func `what is not whole, or too large, is said to be so`() {
        for fraction in ["1.5", "1e-1", "10.00000000000000000000000001", "15e-1"] {
            #expect(JSONValue.number(fraction).integer == nil)
            #expect(ask("GET", "/v1/things?limit=\(fraction)").status == 400)
        }
        for large in ["1e3", "99999999999999999999", "1e400", "1e99999999999999999999"] {
            let answer = post(#"{"name":"a","size":\#(large)}"#)
            #expect(answer.status == 422)
            #expect(answer.text.contains("from 1 to 10"), "\(large)")
        }
        #expect(
            ["-0", "0.0", "0e9", "-0.0e-99999999999999999999"].map { JSONValue.number($0).integer } == [0, 0, 0, 0])
        #expect(JSONValue.number("-9223372036854775808.0").integer == .min)
        #expect(JSONValue.number("9223372036854775808.0").integer == nil)
    }

    @Test func `a body must be JSON of the right type and size`() {
        let type = "application/json"
        #expect(
            ask("POST", "/v1/things", type: "application/json; charset=utf-8", body: "{\"name\":\"a\"}").status == 201)
        #expect(ask("POST", "/v1/things", type: nil, body: "{\"name\":\"a\"}").status == 415)
        #expect(ask("POST", "/v1/things", type: "text/plain", body: "{\"name\":\"a\"}").status == 415)
        #expect(ask("POST", "/v1/things", type: type, body: "{").status == 400)
        #expect(ask("POST", "/v1/things", type: type).status == 400)
        #expect(ask("POST", "/v1/things", type: type, body: String(repeating: " ", count: 1 << 20) + "1").status == 413)
        #expect(ask("PATCH", "/v1/things/a", type: "application/merge-patch+json", body: "{}").status == 200)
        #expect(ask("PATCH", "/v1/things/a", type: "text/json", body: "{}").fields["accept-patch"] != nil)
        #expect(ask("GET", "/v1/open", type: type, body: "{}").status == 400)
    }

    @Test(arguments: [
        ("[]", "must be an object"), ("{}", "/name"), (#"{"name":""}"#, "must not be empty"),
        (#"{"name":"abcdef"}"#, "5 characters"), (#"{"name":"a","size":11}"#, "from 1 to 10"),
        (#"{"name":"a","size":1.5}"#, "a whole number or null"), (#"{"name":"a","nam":1}"#, "/nam"),
        (#"{"name":"a","name":"b"}"#, "comes twice"), (#"{"name":"a","parts":[{"a/b":1}]}"#, "/parts/0/a~1b"),
        (#"{"name":"a","parts":[{},{},{}]}"#, "2 elements"), (#"{"name":"a","when":"soon"}"#, "must be a time"),
        (#"{"name":null}"#, "must be a string"),
    ])
    func `a body that is not as declared is told where`(body: String, expected: String) {
        let answer = ask("POST", "/v1/things", type: "application/json", body: body)
        #expect(answer.status == 422)
        #expect(answer.text.contains(expected), "\(answer.text)")
    }

    @Test func `failures say no more than that, and the log of events says that it is unavailable`() {
        #expect(ask("GET", "/v1/things/gone").status == 404)
        let late = ask("GET", "/v1/things/late")
        #expect(late.status == 503)
        #expect(!late.text.contains("/var/lib"))
        #expect(ask("GET", "/v1/things/broken").status == 500)
        #expect(!ask("GET", "/v1/things/broken").text.contains("Cancellation"))
    }

    @Test func `no answer is stored or guessed at`() {
        for target in ["/v1/open", "/v1/nothing"] {
            let fields = ask("GET", target).fields
            #expect(fields["cache-control"] == "no-store")
            #expect(fields["x-content-type-options"] == "nosniff")
            #expect(fields["set-cookie"] == nil)
        }
    }

    @Test func `answers are counted by operation and status`() {
        let registry = MetricRegistry(stage: "t", instance: "t-0", version: "1")
        let dispatcher = SampleAPI.dispatcher(registry)
        for target in ["/v1/open", "/v1/open", "/v1/what/ever", "/v1/who"] {
            _ = dispatcher.answer("GET", target, contentType: nil, body: [])
        }
        let text = registry.render()
        #expect(text.contains("operation=\"open\",status=\"200\"} 2"), "\(text)")
        #expect(text.contains("operation=\"none\",status=\"404\"} 2"))
    }

    @Test func `a cursor is good for its own list only`() throws {
        let text = APICursor.text("things", [.number(7), .string("a")])
        #expect(APICursor.read(text, list: "things") == [.number("7"), .string("a")])
        #expect(APICursor.read(text, list: "others") == nil)
        #expect(APICursor.read(text + "A", list: "things") == nil)
        #expect(APICursor.read("", list: "things") == nil)
        let request = APIRequest(parameters: ["cursor": text])
        #expect(throws: APIProblem.self) { try request.cursor("things") }
        #expect(try request.cursor("things", elements: 2)?.count == 2)
    }
}
