import Events
import SeededRandom
import Testing
import WebhookSamples

@testable import SimdJSON

/// Strictness and safety of the JSON gate; the vectors are in the spirit of nst/JSONTestSuite, embedded in an object
/// where the suite has lone values.
struct JSONReaderTests {
    private let reader = JSONReader(fields: ["a", "b.c", "b.d"], redactions: ["r.*.address", "**.key"])

    private func read(_ bytes: [UInt8]) -> RejectionCode? {
        bytes.withUnsafeBytes { reader.read($0) }
    }

    private func read(_ text: String) -> RejectionCode? {
        read(Array(text.utf8))
    }

    private func string(_ index: Int) -> String? {
        reader.string(index).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: [
        "{}", " {} ", "\n{\t}\r\n", #"{"a":1}"#, #"{"a":-0}"#, #"{"a":0e1}"#, #"{"a":1E+2}"#, #"{"a":1.5e-10}"#,
        #"{"a":123456789012345678901234567890}"#, #"{"a":1e400}"#, #"{"a":-1e999,"b":[1e-999]}"#,
        #"{"a":0.4e00669999999999999999999999999999999999999999999999999969999999006}"#,
        #"{"":0}"#, #"{"a":"\u0000\u001f\"\\\/\b\f\n\r\t"}"#, #"{"a":"\ud83d\ude39"}"#, #"{"a":"€𝄞"}"#,
        #"{"a":[[],{},[[[]]]]}"#, #"{"a":"b","a":"c"}"#, "{\"a\":\"\u{7f}\"}", #"{"a":[1,2 , 3 ],"b":null}"#,
    ])
    func `valid JSON is accepted`(text: String) {
        #expect(read(text) == nil)
    }

    @Test(arguments: [
        "", " ", "{", "}", "{]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{'a':1}", "{a:1}", "{\"a\":1}}",
        "{\"a\":1} x", "{\"a\":1}{}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1e}",
        "{\"a\":1e+}", "{\"a\":-}", "{\"a\":--1}", "{\"a\":0x1}", "{\"a\":1_000}", "{\"a\":NaN}", "{\"a\":Infinity}",
        "{\"a\":1e400x}", "{\"a\":1e400,}", "{\"a\":1e400 1}", "{\"a\":1e4.0}", "{\"a\":tru}", "{\"a\":True}",
        "{\"a\":nul}", "{\"a\":\"\t\"}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"",
        "{\"a\":\"\\", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":[,1]}", "{\"a\":[1}", "{\"a\" 1}", "{\"a\"::1}",
        "{\"a\":1 \"b\":2}", "{1:1}", "{null:1}", "/**/{}", "{} // x", "\u{feff}\u{feff}{}", "{}\u{feff}", "{\u{feff}}",
        "\u{feff}", "{\"a\":\\u0031}", "\"a", "[",
        "{\"a\":\"\\ud800\"}", "{\"a\":1\u{c}}", "{\u{a0}}", "<xml/>", "a=b&c=d",
    ])
    func `anything else is refused`(text: String) {
        #expect(read(text) == .bodyNotJSON)
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80],
            [0xFC, 0x80, 0x80],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        #expect(read(Array(#"{"a":""#.utf8) + bytes + Array(#""}"#.utf8)) == .bodyNotJSON)
        #expect(read(Array(#"{""#.utf8) + bytes + Array(#"":1}"#.utf8)) == .bodyNotJSON)
    }

    @Test func `UTF-16 and a NUL after the value are refused`() {
        #expect(read(Array("{}".utf16).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }) == .bodyNotJSON)
        #expect(read(Array("{}".utf8) + [0]) == .bodyNotJSON)
    }

    @Test(arguments: ["1", "\"a\"", "null", "true", "[]", "[{\"a\":1}]", "-0.1e5", " [1] "])
    func `valid JSON that is no object is told apart`(text: String) {
        #expect(read(text) == .bodyNotObject)
    }

    @Test func `sixty-four levels are accepted, sixty-five are not`() {
        for depth in 60...70 {
            for filling in ["", "1", "\"[[[[\""] {
                let arrays =
                    String(repeating: "[", count: depth - 1) + filling + String(repeating: "]", count: depth - 1)
                #expect(read("{\"a\":\(arrays)}") == (depth <= 64 ? nil : .bodyTooDeep), "\(depth) arrays")
            }
            let objects = String(repeating: "{\"a\":", count: depth) + "0" + String(repeating: "}", count: depth)
            #expect(read(objects) == (depth <= 64 ? nil : .bodyTooDeep), "\(depth) objects")
        }
    }

    @Test func `numbers too large for any machine type do not widen the depth limit`() {
        let deep = String(repeating: "[", count: 64) + "1e999" + String(repeating: "]", count: 64)
        #expect(read("{\"a\":\(deep)}") == .bodyTooDeep)
        let fitting = String(repeating: "[", count: 63) + "1e999" + String(repeating: "]", count: 63)
        #expect(read("{\"a\":\(fitting)}") == nil)
    }

    @Test func `hostile texts are handled without a trap`() {
        let million = String(repeating: "7", count: 1_000_000)
        #expect(read("{\"a\":\(million)}") == nil)
        #expect(reader.number(0)?.count == 1_000_000)
        #expect(reader.identifier(0) == nil)
        let nested = String(repeating: "[", count: 100_000)
        #expect(read("{\"a\":\(nested)\(String(repeating: "]", count: 100_000))}") == .bodyTooDeep)
        #expect(read("{\"a\":\(nested)") == .bodyNotJSON)
        #expect(read(String(repeating: "{\"a\":", count: 100_000)) == .bodyNotJSON)
        #expect(read("{\"a\":\(nested),\(String(repeating: "]", count: 100_000))}") == .bodyNotJSON)
        #expect(read("{\"a\":\(nested)1e999\(String(repeating: "]", count: 100_000))}") == .bodyTooDeep)
        #expect(read("{\"a\":\"\(String(repeating: "\\\\\\\"", count: 250_000))\"}") == nil)
        #expect(read(String(repeating: "\"", count: 1 << 20)) == .bodyNotJSON)
        #expect(read(String(repeating: "\\", count: 1 << 20)) == .bodyNotJSON)
        #expect(read("{\"a\":\"b\"}") == nil)
        let keys = (0..<300_000).map { "\"k\($0)\":0" }.joined(separator: ",")
        #expect(read("{\(keys),\"a\":\"found\"}") == nil)
        #expect(string(0) == "found")
        let same = Array(repeating: "\"key\":\"secret\"", count: 100_000).joined(separator: ",")
        let text = Array("{\(same)}".utf8)
        #expect(read(text) == nil)
        var redacted: [UInt8] = []
        text.withUnsafeBytes { reader.writeRedacted($0, into: &redacted) }
        #expect(!String(decoding: redacted, as: UTF8.self).contains("secret"))
        #expect(read("{\"a\":\"\(String(repeating: "\\u0041", count: 200_000))\"}") == nil)
        #expect(reader.string(0)?.count == 200_000)
    }

    @Test func `fields are found by path, through escapes in keys and values`() {
        #expect(read(#"{ "x":{"a":0}, "\u0061" : "\u00e9\n" , "b":{"c": 12345678901234567890123 ,"d":true} }"#) == nil)
        #expect(string(0) == "é\n")
        #expect(reader.number(1).map { String(decoding: $0, as: UTF8.self) } == "12345678901234567890123")
        #expect(reader.string(2) == nil && reader.number(2) == nil && reader.identifier(2) == nil)
    }

    @Test func `of a repeated key the last value counts`() {
        #expect(read(#"{"a":"1","a":"2"}"#) == nil)
        #expect(string(0) == "2")
        #expect(read(#"{"a":"1","a":null}"#) == nil)
        #expect(string(0) == nil)
        #expect(read(#"{"b":{"c":"1","d":"2"},"b":{"c":"3"}}"#) == nil)
        #expect(string(1) == "3" && string(2) == nil)
        #expect(read(#"{"b":{"c":"1"},"b":7}"#) == nil)
        #expect(string(1) == nil)
    }

    @Test func `nothing is left of the text read before`() {
        #expect(read(#"{"a":"1","key":2}"#) == nil)
        #expect(read("{}") == nil)
        #expect(string(0) == nil && !reader.hasRedactions)
        #expect(read(#"{"a":"1","key":2}"#) == nil)
        #expect(read("{") == .bodyNotJSON)
        #expect(!reader.hasRedactions)
    }

    @Test(arguments: [
        (#"{"key":"s"}"#, #"{"key":"[redacted]"}"#),
        (#"{ "key" : "s" , "x":1 }"#, #"{ "key" : "[redacted]" , "x":1 }"#),
        (#"{"k\u0065y":"a\"}b"}"#, #"{"k\u0065y":"[redacted]"}"#),
        (#"{"key":12 ,"key":[1, {"key":2}] }"#, #"{"key":"[redacted]" ,"key":"[redacted]" }"#),
        (#"{"x":[{"key":{"a":1}},[{"key":true}]]}"#, #"{"x":[{"key":"[redacted]"},[{"key":"[redacted]"}]]}"#),
        (#"{"key":null}"#, #"{"key":null}"#),
        (#"{"r":{"m":{"address":"u"},"n":{"x":"y"}}}"#, #"{"r":{"m":{"address":"[redacted]"},"n":{"x":"y"}}}"#),
        (
            #"{"r":[{"address":"u"}],"r":{"q":{"address":1}}}"#,
            #"{"r":[{"address":"[redacted]"}],"r":{"q":{"address":"[redacted]"}}}"#
        ),
        (#"{"r":{"address":"kept"},"address":"kept"}"#, #"{"r":{"address":"kept"},"address":"kept"}"#),
        (#"{"n":1e999,"key":1e999}"#, #"{"n":1e999,"key":"[redacted]"}"#),
    ])
    func `every occurrence is redacted and nothing else changes`(text: String, expected: String) {
        let bytes = Array(text.utf8)
        #expect(read(bytes) == nil)
        #expect(reader.hasRedactions == (text != expected))
        var redacted: [UInt8] = []
        bytes.withUnsafeBytes { reader.writeRedacted($0, into: &redacted) }
        #expect(String(decoding: redacted, as: UTF8.self) == expected)
    }

    @Test func `random and mutated bytes never trap`() throws {
        var generator = SeededGenerator(seed: 42)
        let samples = try SampleLibrary.samples(of: "stream").map(\.body)
        for round in 0..<8000 {
            var bytes: [UInt8]
            if round.isMultiple(of: 2) {
                bytes = (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                    Array(#"{}[]",:0123456789.eE+-tfn\u "#.utf8).randomElement(using: &generator) ?? 0
                }
            } else {
                bytes = samples[round % samples.count]
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
                }
                if round % 5 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator)) }
            }
            guard read(bytes) == nil else { continue }
            var redacted: [UInt8] = []
            bytes.withUnsafeBytes { reader.writeRedacted($0, into: &redacted) }
            #expect(read(redacted) == nil)
        }
    }
}
