import Events
import Primitives
import Testing
import WebhookSamples

@testable import Normalisation
@testable import Providers

struct PointerMappingTests {
    private static let mapping = PointerMapping(
        type: "/event/kind", id: "/event/id", time: "/at", timeUnit: .seconds,
        subject: "rooms/{/room/name}/people/{/who~1id}", partitionKey: "/room/name",
        types: ["joined": "participant.joined"], redactions: ["/token", "**.secret"])

    private func normalised(
        _ body: String, _ mapping: PointerMapping = mapping, idsFromContent: Bool = true, sequence: UInt64 = 1
    ) throws -> Normalised {
        try Normalised(
            GenericProvider.self, body, options: MappingOptions(idsFromContent: idsFromContent, pointers: mapping),
            sequence: sequence)
    }

    @Test func `every attribute is where its pointer leads`() throws {
        let normalised = try normalised(
            #"{"event":{"kind":"joined","id":7},"at":1791211754.25,"room":{"name":"hall"},"who/id":"john","token":"t"}"#
        )
        #expect(
            try normalised.attributes() == [
                "type": "dev.tributary.participant.joined", "source": "/sources/generic", "id": "7",
                "subject": "rooms/hall/people/john", "partitionkey": "hall", "time": "2026-10-05T14:49:14.25Z",
                "timesource": "provider", "provider": "generic", "providertype": "joined",
                "datacontenttype": "application/json",
            ])
        #expect(
            normalised.payload
                == #"{"event":{"kind":"joined","id":7},"at":1791211754.25,"room":{"name":"hall"},"who/id":"john","token":"[redacted]"}"#
        )
    }

    @Test(arguments: [
        "null", "true", "17", "1e400", "\"started\"", "[]", "[1,[2]]", "{}", " {\"event\" : {} }\n",
        #"{"event":"joined"}"#,
        #"{"event":{"kind":""}}"#, #"{"event":{"kind":null}}"#, #"{"event":{"kind":{"a":1}}}"#,
    ])
    func `whatever JSON has no type is passed on byte for byte`(_ body: String) throws {
        for mapping in [Self.mapping, PointerMapping()] {
            let normalised = try normalised(body, mapping)
            let attributes = try normalised.attributes()
            #expect(attributes["type"] == "dev.tributary.provider.unmapped" && attributes["providertype"] == nil)
            #expect(attributes["timesource"] == "ingest" && attributes["subject"] == nil)
            #expect(attributes["id"]?.count == 36)
            #expect(normalised.payload == body && normalised.events[0].isWholeBody)
        }
    }

    @Test func `an unlisted type is unmapped and keeps its name, its subject and its key`() throws {
        let attributes = try normalised(#"{"event":{"kind":"waved"},"room":{"name":"hall"}}"#).attributes()
        #expect(attributes["type"] == "dev.tributary.provider.unmapped" && attributes["providertype"] == "waved")
        #expect(attributes["subject"] == "rooms/hall" && attributes["partitionkey"] == "hall")
    }

    @Test func `what is not JSON is refused`() throws {
        #expect(try normalised("{]").code == .bodyNotJSON && normalised("").code == .bodyNotJSON)
    }

    @Test func `without an id, content that says when it happened is its own id`() throws {
        let first = try normalised(#"{"at":1,"a":"x"}"#).attributes()["id"]
        let again = try normalised(#"{ "a":"x", "at":1 }"#, sequence: 2).attributes()["id"]
        let other = try normalised(#"{"at":2,"a":"x"}"#).attributes()["id"]
        #expect(first == again && first != other && first?.hasPrefix("sha256:") == true)
        let generated = try normalised(#"{"at":1,"a":"x"}"#, idsFromContent: false).attributes()["id"]
        #expect(generated?.count == 36)
    }

    @Test(
        arguments: [
            (TimeUnit.rfc3339, #""2026-10-05T14:49:14.5+02:00""#, "2026-10-05T14:49:14.5+02:00"),
            (.rfc3339, "1791211754", nil), (.rfc3339, #""1791211754""#, nil),
            (.seconds, "1791211754", "2026-10-05T14:49:14Z"), (.seconds, #""1791211754""#, "2026-10-05T14:49:14Z"),
            (.seconds, "1791211754.000000001", "2026-10-05T14:49:14.000000001Z"),
            (.seconds, #""2026-10-05T14:49:14Z""#, nil), (.seconds, "true", nil), (.seconds, #""""#, nil),
            (.milliseconds, "1791211754142", "2026-10-05T14:49:14.142Z"),
            (.milliseconds, #""1791211754142.5""#, "2026-10-05T14:49:14.1425Z"),
            (.nanoseconds, "1791211754142187951", "2026-10-05T14:49:14.142187951Z"),
            (.nanoseconds, #""1791211754142187951""#, "2026-10-05T14:49:14.142187951Z"),
            (.seconds, "1e300", nil), (.milliseconds, "-1", "1969-12-31T23:59:59.999Z"),
        ] as [(TimeUnit, String, String?)])
    func `times are read in their unit and no other`(_ unit: TimeUnit, _ value: String, _ expected: String?) throws {
        let mapping = PointerMapping(time: "/at", timeUnit: unit)
        let attributes = try normalised("{\"at\":\(value)}", mapping).attributes()
        #expect(attributes["time"] == expected ?? Normalised.receivedAtText)
        #expect(attributes["timesource"] == (expected == nil ? "ingest" : "provider"))
    }

    @Test func `a batch is one event for each element, whatever it is`() throws {
        let mapping = PointerMapping(elements: "/events", type: "/kind", id: "/id", types: ["a": "room.created"])
        let normalised = try normalised(
            #"{"sent":1,"events":[{"kind":"a","id":"1"}, {"kind":"b"},7 ,null,["kind"]]}"#, mapping)
        #expect(normalised.outcome == .passed)
        #expect(
            normalised.events.map { String(decoding: $0.payload ?? [], as: UTF8.self) }
                == [#"{"kind":"a","id":"1"}"#, #"{"kind":"b"}"#, "7", "null", #"["kind"]"#])
        #expect(
            normalised.events.map { $0.attributes["type"] }
                == ["room.created"].map { "dev.tributary.\($0)" }
                + Array(repeating: "dev.tributary.provider.unmapped", count: 4))
        #expect(Set(normalised.events.map { $0.attributes["id"] }).count == 5)
    }

    @Test func `elements that are no array are one event`() throws {
        let below = PointerMapping(elements: "/events", type: "/kind")
        let one = try normalised(#"{"events":{"kind":"a"}}"#, below)
        #expect(try one.attributes()["providertype"] == "a" && one.payload == #"{"kind":"a"}"#)
        for body in [#"{"ping":true}"#, #"{"events":null}"#, #"{"events":3}"#, "7"] {
            #expect(try normalised(body, below).payload == body, "\(body)")
        }
        let whole = PointerMapping(elements: "", type: "/kind")
        #expect(try normalised(#"[{"kind":"a"},{"kind":"b"}]"#, whole).events.count == 2)
        #expect(try normalised(#"{"kind":"a"}"#, whole).attributes()["providertype"] == "a")
        #expect(try normalised("[]", whole).events.isEmpty)
        let tooMany =
            "[" + Array(repeating: "0", count: CanonicalEventsWriter.mostElements + 1).joined(separator: ",") + "]"
        #expect(try normalised(tooMany, whole).code == .tooManyElements)
    }

    @Test func `what grows beyond an envelope by redaction is refused`() throws {
        let mapping = PointerMapping(redactions: ["codes.*"])
        let many = "{\"codes\":[" + Array(repeating: "0", count: 400_000).joined(separator: ",") + "]}"
        let refused = try normalised(many, mapping)
        #expect(refused.code == .bodyTooLargeInflated && refused.events.isEmpty)
        let few = "{\"codes\":[0,1]}"
        #expect(try normalised(few, mapping).payload == #"{"codes":["[redacted]","[redacted]"]}"#)
    }

    @Test func `a sound mapping has no problems`() {
        #expect(Self.mapping.problems() == [] && PointerMapping().problems() == [])
        #expect(PointerMapping(elements: "", subject: "fixed", redactions: ["a.*.b", "user.email"]).problems() == [])
    }

    @Test(arguments: [
        (PointerMapping(type: "event"), "type"), (PointerMapping(id: "/a~2"), "id"),
        (PointerMapping(time: "/a~"), "time"), (PointerMapping(partitionKey: ""), "key"),
        (PointerMapping(elements: "events"), "elements"), (PointerMapping(subject: ""), "subject"),
        (PointerMapping(subject: "a/{/b"), "subject"), (PointerMapping(subject: "a}/{/b}"), "subject"),
        (PointerMapping(subject: "a/{b}"), "subject"), (PointerMapping(subject: "a\u{7}"), "subject"),
        (PointerMapping(types: ["a": "room.created"]), "types"),
        (PointerMapping(type: "/t", types: ["a": "dev.tributary.room.created"]), "types"),
        (PointerMapping(type: "/t", types: ["a": "room.opened"]), "types"),
        (PointerMapping(type: "/t", types: ["a": "house.built"]), "types"),
        (PointerMapping(redactions: [""]), "redact"), (PointerMapping(redactions: ["a..b"]), "redact"),
        (PointerMapping(redactions: ["a.**.b"]), "redact"), (PointerMapping(redactions: ["/a~"]), "redact"),
    ])
    func `an unsound mapping is told with its part`(_ mapping: PointerMapping, _ part: String) {
        let problems = mapping.problems()
        #expect(problems.count == 1 && problems[0].hasPrefix("\(part): ") && problems[0].count > 30, "\(problems)")
    }
}
