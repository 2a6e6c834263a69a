import JSON
import Testing

@Suite struct JSONTextTests {
    @Test func `values are put together as text`() {
        let json = JSONText.object([
            ("a", .number(Int64.max)), ("b", .array([.bool(true), .null, .number(0.5)])),
            ("c", .object([])), ("d", .optional(nil as Int?) { .number($0) }),
            ("e", JSONText(raw: Array("{\"x\":1}".utf8))),
        ])
        #expect(json.text == #"{"a":9223372036854775807,"b":[true,null,0.5],"c":{},"d":null,"e":{"x":1}}"#)
    }

    @Test func `strings are escaped`() {
        let text = "a\"b\\c\n\r\t\u{0}\u{1F}\u{7F}\u{9B}\u{2028}ü😀"
        #expect(JSONText.string(text).text == #""a\"b\\c\n\r\t\u0000\u001f\u007f\u009b\u2028ü😀""#)
    }

    @Test func `the data path escapes what JSON must, and repairs what is not UTF-8`() {
        func escaped(_ bytes: [UInt8]) -> String {
            var result: [UInt8] = []
            bytes.withUnsafeBytes { JSONString.append(repairing: $0, to: &result) }
            return String(decoding: result, as: UTF8.self)
        }
        #expect(escaped(Array("plain".utf8)) == "plain" && escaped([]) == "")
        #expect(
            escaped(Array("a\"\\\n\r\t\u{8}\u{C}\u{1}\u{7F}\u{2028}ü".utf8)) == #"a\"\\\n\r\t\b\f\u0001"#
                + "\u{7F}\u{2028}ü")
        #expect(escaped([0x61, 0xFF, 0x0A]) == #"a�\n"#)
    }

    @Test func `numbers that JSON cannot say are null`() {
        #expect(JSONText.number(Double.nan).text == "null")
        #expect(JSONText.number(-Double.infinity).text == "null")
    }
}
