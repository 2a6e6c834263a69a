import Events
import Testing

@testable import SimdJSON

/// Batches: elements, their places, and JSON Pointers.
struct JSONElementsTests {
    private func read(_ reader: JSONReader, _ text: String, at pointer: String? = nil) -> JSONReader.Elements {
        Array(text.utf8).withUnsafeBytes { reader.readElements($0, at: pointer) }
    }

    private func text(_ reader: JSONReader, _ index: Int) -> String? {
        (reader.string(index) ?? reader.number(index)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `each element is found with its fields, redactions and place`() {
        let reader = JSONReader(fields: ["a", "b.c"], redactions: ["**.key"])
        let body = #" [ {"a":"1","key":7} , 5, {"b":{"c":"x"},"a":null},"s\"]",[{"a":"9"}] , null , {} ] "#
        let bytes = Array(body.utf8)
        #expect(read(reader, body) == .found(7))
        #expect(reader.isBatch)
        let expected: [(code: RejectionCode?, bytes: String, first: String?, second: String?, redacted: String)] = [
            (nil, #"{"a":"1","key":7}"#, "1", nil, #"{"a":"1","key":"[redacted]"}"#),
            (.elementNotObject, "5", nil, nil, "5"),
            (nil, #"{"b":{"c":"x"},"a":null}"#, nil, "x", #"{"b":{"c":"x"},"a":null}"#),
            (.elementNotObject, #""s\"]""#, nil, nil, #""s\"]""#),
            (.elementNotObject, #"[{"a":"9"}]"#, nil, nil, #"[{"a":"9"}]"#),
            (.elementNotObject, "null", nil, nil, "null"), (nil, "{}", nil, nil, "{}"),
        ]
        for index in Array(expected.indices) + Array(expected.indices.reversed()) {
            let element = expected[index]
            #expect(reader.select(index) == element.code)
            #expect(String(decoding: bytes[reader.elementRange], as: UTF8.self) == element.bytes)
            #expect(text(reader, 0) == element.first && text(reader, 1) == element.second)
            var redacted: [UInt8] = []
            bytes.withUnsafeBytes { reader.writeRedactedElement(of: $0, into: &redacted) }
            #expect(String(decoding: redacted, as: UTF8.self) == element.redacted)
            #expect(reader.hasRedactions == (element.redacted != element.bytes))
        }
        #expect(reader.select(7) == .elementNotObject)
    }

    @Test func `one object is one element, and the array may lie deeper`() {
        let reader = JSONReader(fields: ["a"], redactions: [])
        #expect(read(reader, #" {"a":"1"} "#) == .found(1))
        #expect(!reader.isBatch)
        #expect(reader.select(0) == nil)
        #expect(text(reader, 0) == "1")
        #expect(reader.elementRange == 1..<10)
        #expect(read(reader, "[]") == .found(0))
        let nested = #"{"x":[0],"x":{"y/z":[[],[{"a":"1"},{"a":"2"}]]}}"#
        #expect(read(reader, nested, at: "/x/y~1z/1") == .found(2))
        #expect(reader.isBatch)
        #expect(reader.select(1) == nil)
        #expect(text(reader, 0) == "2")
        #expect(read(reader, nested, at: "/x") == .found(1))
        for pointer in ["/y", "/x/y~1z/2", "/x/y~1z/01", "/x/y~1z/1/0/a", "/x/y~1z/-"] {
            #expect(read(reader, nested, at: pointer) == .refused(.bodyNotArray), "\(pointer)")
        }
        for scalar in ["7", "\"a\"", "null"] { #expect(read(reader, scalar) == .refused(.bodyNotArray)) }
        #expect(read(reader, "[{}") == .refused(.bodyNotJSON))
        #expect(read(reader, "{\"a\":[}") == .refused(.bodyNotJSON))
    }

    @Test func `nothing is left of the element selected before`() {
        let reader = JSONReader(fields: ["a"], redactions: ["k"])
        #expect(read(reader, #"[{"a":"\u0041","k":1},{}]"#) == .found(2))
        #expect(reader.select(0) == nil)
        #expect(text(reader, 0) == "A" && reader.hasRedactions)
        #expect(reader.select(1) == nil)
        #expect(text(reader, 0) == nil && !reader.hasRedactions)
        #expect(reader.select(0) == nil)
        #expect(text(reader, 0) == "A" && reader.hasRedactions)
    }

    /// RFC 6901, section 5.
    @Test func `JSON Pointers lead where the RFC says`() {
        let body = #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#
        let table = [
            ("/foo/0", "bar"), ("/foo/1", "baz"), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3"),
            ("/g|h", "4"), ("/i\\j", "5"), ("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8"), ("/foo", nil),
            ("/foo/2", nil), ("/foo/-", nil), ("/foo/00", nil), ("/foo/0/x", nil), ("/a", nil), ("/m~01n", nil),
        ]
        let reader = JSONReader(fields: table.map(\.0), redactions: [])
        #expect(Array(body.utf8).withUnsafeBytes { reader.read($0) } == nil)
        for (index, row) in table.enumerated() { #expect(text(reader, index) == row.1, "\(row.0)") }
    }

    @Test func `pointers, dotted paths and wildcards share a plan`() {
        let reader = JSONReader(
            fields: ["/list/1/id", "list.1.id", "a.b", "/a/b", "/a", "/list/1", "/~1x~0/0"],
            redactions: ["list.*.secret", "/list/0/id", "/a/c", "a.*.d"])
        let body =
            #"{"list":[{"id":"0","secret":1},{"id":"1","secret":[2]}],"a":{"b":"B","c":{"d":1},"e":{"d":2}},"/x~":["r"]}"#
        let bytes = Array(body.utf8)
        #expect(bytes.withUnsafeBytes { reader.read($0) } == nil)
        #expect(text(reader, 0) == "1" && text(reader, 2) == "B" && text(reader, 3) == "B" && text(reader, 6) == "r")
        #expect(text(reader, 4) == nil && text(reader, 5) == nil)
        var redacted: [UInt8] = []
        bytes.withUnsafeBytes { reader.writeRedacted($0, into: &redacted) }
        let hidden = "\"[redacted]\""
        #expect(
            String(decoding: redacted, as: UTF8.self)
                == #"{"list":[{"id":\#(hidden),"secret":\#(hidden)},{"id":"1","secret":\#(hidden)}],"#
                + #""a":{"b":"B","c":\#(hidden),"e":{"d":\#(hidden)}},"/x~":["r"]}"#)
    }

    @Test func `fields are found inside what is redacted`() {
        let reader = JSONReader(fields: ["/user/id"], redactions: ["/user"])
        let bytes = Array(#"{"user":{"id":"u","key":1}}"#.utf8)
        #expect(bytes.withUnsafeBytes { reader.read($0) } == nil)
        #expect(text(reader, 0) == "u")
        var redacted: [UInt8] = []
        bytes.withUnsafeBytes { reader.writeRedacted($0, into: &redacted) }
        #expect(String(decoding: redacted, as: UTF8.self) == #"{"user":"[redacted]"}"#)
    }

    @Test func `pointers lead into arrays and scalars at the top`() {
        let reader = JSONReader(fields: ["/0", "/1/a", ""], redactions: [])
        #expect(Array(#"["x",{"a":2}]"#.utf8).withUnsafeBytes { reader.readValue($0) } == nil)
        #expect(text(reader, 0) == "x" && text(reader, 1) == "2" && text(reader, 2) == nil)
        #expect(Array(#" "lone" "#.utf8).withUnsafeBytes { reader.readValue($0) } == nil)
        #expect(text(reader, 0) == nil && text(reader, 2) == "lone")
        #expect(reader.elementRange == 1..<7)
    }
}
