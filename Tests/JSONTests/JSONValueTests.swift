import JSON
import Testing

@Suite struct JSONValueTests {
    private func read(_ text: String) -> JSONValue? {
        JSONValue.read(Array(text.utf8))
    }

    @Test func `order and digits survive reading and writing`() {
        let text = #"{"z":1778198400000000001,"a":[1.50,-2e3,true,null,"ü\n"],"m":{}}"#
        #expect(read(text)?.json.text == text)
        #expect(read(text)?["z"].integer == 1_778_198_400_000_000_001)
    }

    @Test func `escapes are read, surrogate pairs too`() {
        #expect(read(#""\u0041\ud83d\ude00\/\b""#) == .string("A😀/\u{8}"))
    }

    @Test func `what is not JSON is refused`() {
        for text in [
            "", "{", "[1,]", "{\"a\":}", "{a:1}", "tru", "01", "1.", ".5", "+1", "\"a", "\"\\x\"", "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "1 2", "\"\u{1}\"", "[" + String(repeating: "[", count: 200),
        ] {
            #expect(read(text) == nil, "\(text)")
        }
    }

    @Test func `long values are indented and short ones stay on their line`() {
        let long = String(repeating: "x", count: 90)
        #expect(read(#"{"a":1,"b":"\#(long)"}"#)?.indented() == "{\n  \"a\": 1,\n  \"b\": \"\(long)\"\n}")
        #expect(read("[1, 2]")?.indented() == "[1,2]")
    }
}
