import Events
import Testing
import WebhookSamples

@testable import Normalisation
@testable import Providers

struct CloudEventsTests {
    private static let structured = [("content-type", "application/cloudevents+json; charset=utf-8")]
    private static let required = #""specversion":"1.0","id":"a","source":"/rooms","type":"com.example.opened""#

    private func single(_ members: String) throws -> Normalised {
        try Normalised(CloudEventsProvider.self, "{\(members)}", fields: Self.structured)
    }

    private func binary(_ body: String, _ fields: [(name: String, value: String)]) throws -> Normalised {
        let required = [
            ("ce-specversion", "1.0"), ("ce-id", "a"), ("ce-source", "/rooms"), ("ce-type", "com.example.opened"),
        ]
        return try Normalised(
            CloudEventsProvider.self, body,
            fields: required.filter { own in !fields.contains { $0.name == own.0 } } + fields)
    }

    @Test func `a structured event keeps its attributes, its extensions and the digits of its data`() throws {
        let event = try single(
            Self.required + """
                ,"subject":"rooms/1","time":"2026-10-05T14:49:14.25Z","partitionkey":"1","dataschema":"urn:x","tenant":"a b",\
                "level":3,"urgent":true,"absent":null,"data":{"n":12345678901234567890,"x":1.50}
                """)
        let attributes = try event.attributes()
        #expect(
            attributes == [
                "type": "com.example.opened", "providertype": "com.example.opened", "id": "a", "source": "/rooms",
                "subject": "rooms/1", "time": "2026-10-05T14:49:14.25Z", "timesource": "provider", "partitionkey": "1",
                "provider": "cloudevents", "dataschema": "urn:x", "tenant": "a b", "level": "3", "urgent": "true",
                "datacontenttype": "application/json",
            ])
        #expect(event.payload == #"{"n":12345678901234567890,"x":1.50}"#)
    }

    @Test func `an event without time and data is one of the moment it was received`() throws {
        let event = try single(Self.required)
        #expect(try event.attributes()["timesource"] == "ingest")
        #expect(try event.attributes()["time"] == Normalised.receivedAtText)
        #expect(event.payload == nil)
    }

    @Test(arguments: [
        (#""data_base64":"AAH/""#, "application/octet-stream", [0, 1, 255]),
        (#""datacontenttype":"image/png","data_base64":"AAH/""#, "image/png", [0, 1, 255]),
        (#""datacontenttype":"text/plain","data":"caf\u00e9""#, "text/plain", Array("café".utf8)),
        (
            #""datacontenttype":"application/vnd.x+json","data_base64":"e30=""#, "application/vnd.x+json",
            Array("{}".utf8)
        ),
        (#""data":null"#, "application/json", Array("null".utf8)),
        (#""data":"text""#, "application/json", Array(#""text""#.utf8)),
    ])
    func `data of any type is what its sender encoded`(members: String, type: String, bytes: [UInt8]) throws {
        let event = try single(Self.required + "," + members)
        #expect(try event.attributes()["datacontenttype"] == type)
        #expect(event.events.first?.payload.map { Array($0) } == bytes)
    }

    @Test func `a binary event has its attributes in header fields, percent-encoded or quoted`() throws {
        let event = try binary(
            #"{"a": 1}"#,
            [
                ("content-type", "application/json"), ("ce-subject", "rooms/caf%C3%A9%20%E2%82%AC"),
                ("ce-tenant", #""a \"b\"""#), ("ce-time", "2026-10-05T16:49:14+02:00"),
            ])
        let attributes = try event.attributes()
        #expect(attributes["subject"] == "rooms/café €")
        #expect(attributes["tenant"] == #"a "b""#)
        #expect(attributes["timesource"] == "provider")
        #expect(event.payload == #"{"a": 1}"#)
        let bytes = try binary("\u{1}x", [("content-type", "application/x-thing")])
        #expect(try bytes.attributes()["datacontenttype"] == "application/x-thing")
        #expect(bytes.payload == "\u{1}x")
        #expect(try binary("", []).payload == nil)
    }

    @Test(arguments: [
        ("", "attribute_missing", "`specversion`"),
        (#""specversion":"0.3""#, "attribute_invalid", "`specversion`"),
        (#""specversion":"1.0","id":"""#, "attribute_missing", "`id`"),
        (#""specversion":"1.0","id":"a","source":"/a""#, "attribute_missing", "`type`"),
        (required + #","source":"/b""#, "attribute_invalid", "`source`"),
        (required + #","Tenant":"a""#, "attribute_invalid", "`Tenant`"),
        (required + #","tenant":{}"#, "attribute_invalid", "`tenant`"),
        (required + #","tenant":2147483648"#, "attribute_invalid", "`tenant`"),
        (required + #","tenant":"a\u0007""#, "attribute_invalid", "`tenant`"),
        (required + #","time":"yesterday""#, "attribute_invalid", "`time`"),
        (required + #","traceparent":"x""#, "attribute_invalid", "`traceparent`"),
        (required + #","datacontenttype":"json""#, "attribute_invalid", "`datacontenttype`"),
        (required + #","datacontenttype":"/json""#, "attribute_invalid", "`datacontenttype`"),
        (required + #","datacontenttype":"text/plain\r\nx-forged: 1""#, "attribute_invalid", "`datacontenttype`"),
        (required + #","datacontenttype":"text/plain;\u2028""#, "attribute_invalid", "`datacontenttype`"),
        (required + #","datacontenttype":"text/plain, a/b""#, "attribute_invalid", "`datacontenttype`"),
        (
            required + #","datacontenttype":"Application/CloudEvents+JSON;a=b""#, "attribute_invalid",
            "`datacontenttype`"
        ),
        (required + #","data":1,"data_base64":"AA==""#, "attribute_invalid", "`data_base64`"),
        (required + #","data_base64":"?""#, "attribute_invalid", "`data_base64`"),
        (required + #","datacontenttype":"text/json","data_base64":"AA==""#, "attribute_invalid", "`data_base64`"),
        (required + #","sequence":"1""#, "attribute_invalid", "`sequence`"),
        (required + #","provider":"stream""#, "attribute_invalid", "`provider`"),
        (#""specversion":"1.0","id":"a","source":"/sources/stream","type":"x""#, "attribute_invalid", "`source`"),
        (#""specversion":"1.0","id":"a","source":"not a uri","type":"x""#, "attribute_invalid", "`source`"),
        (
            #""specversion":"1.0","id":"a","source":"/a","type":"dev.tributary.room.created""#, "attribute_invalid",
            "`type`"
        ),
    ])
    func `what is wrong is refused by the attribute's name`(members: String, code: String, name: String) throws {
        guard case .refused(let rejection) = try single(members).outcome else {
            Issue.record("taken: \(members)")
            return
        }
        #expect(rejection.code.rawValue == code)
        #expect(rejection.detail.hasPrefix(name), "\(rejection.detail)")
    }

    @Test(arguments: [
        ("ce-specversion", "", "attribute_invalid"), ("ce-id", "%zz", "attribute_invalid"),
        ("ce-id", "%ff", "attribute_invalid"), ("ce-datacontenttype", "a/b", "attribute_invalid"),
        ("content-type", "application/json", "attribute_invalid"),
        ("content-type", "application/cloudevents+xml", "body_not_json"),
    ])
    func `a wrong field of a binary event is refused`(name: String, value: String, code: String) throws {
        #expect(try binary("no JSON", [(name, value)]).code?.rawValue == code)
    }

    @Test func `a batch is taken element by element`() throws {
        let fields = [("content-type", "application/cloudevents-batch+json")]
        let batch = try Normalised(
            CloudEventsProvider.self, #"[{\#(Self.required)},{"specversion":"1.0"},7,{\#(Self.required),"data":[1]}]"#,
            fields: fields)
        guard case .passedExcept(let rejections) = batch.outcome else {
            Issue.record("\(batch.outcome)")
            return
        }
        #expect(rejections.map(\.element) == [1, 2])
        #expect(rejections.map(\.code) == [.attributeMissing, .elementNotObject])
        #expect(batch.events.map(\.attributes["id"]) == ["a", "a"])
        #expect(try Normalised(CloudEventsProvider.self, "[]", fields: fields).outcome == .passed)
        #expect(try Normalised(CloudEventsProvider.self, "{}", fields: fields).code == .bodyNotArray)
    }
}

struct StreamCallsTests {
    private let fields = [(":path", "api/v2/video/call/livestream/room%2042/event")]

    @Test func `a custom event is about its call and says what Stream's webhooks say`() throws {
        let event = try Normalised(
            StreamCallsProvider.self, #"{"user_id":"john","custom":{"n":12345678901234567890},"call_cid":"other:1"}"#,
            fields: fields)
        let attributes = try event.attributes()
        #expect(attributes["type"] == "dev.tributary.custom.event")
        #expect(attributes["providertype"] == "custom")
        #expect(attributes["subject"] == "calls/livestream:room 42")
        #expect(attributes["partitionkey"] == "livestream:room 42")
        #expect(attributes["timesource"] == "ingest")
        #expect(
            event.payload == """
                {"type":"custom","created_at":1791211754500000000,"call_cid":"livestream:room 42",\
                "custom":{"n":12345678901234567890},"user":{"id":"john"}}
                """)
    }

    @Test func `a user whom the body does not name is the token's`() throws {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoiamFuZSJ9.AAAA"
        let event = try Normalised(
            StreamCallsProvider.self, #"{"user":null}"#, fields: fields + [("authorization", token)])
        #expect(event.payload?.hasSuffix(#""custom":{},"user":{"id":"jane"}}"#) == true)
    }

    @Test func `a custom value that is no object is refused`() throws {
        #expect(
            try Normalised(StreamCallsProvider.self, #"{"custom":[1]}"#, fields: fields).code == .attributeInvalid)
        #expect(try Normalised(StreamCallsProvider.self, "{}").code == .envelopeDamaged)
    }
}
