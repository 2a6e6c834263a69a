import JSON
import PipelineConfiguration
import Testing

@Suite struct YAMLDocumentTests {
    private func json(_ text: String) -> String? {
        YAMLDocument.read(Array(text.utf8))?.json.text
    }

    @Test func `JSON is read as JSON`() {
        #expect(json(#"{"a": [1.50, "x", null]}"#) == #"{"a":[1.50,"x",null]}"#)
    }

    @Test func `YAML becomes JSON, durations, times and quoted words are texts`() {
        let yaml = """
            name: app        # a comment
            every: 1s
            start: 2026-10-05T14:49:14Z
            limits: [1, -2.5e3, 007, 0x10, 1_000]
            words: [true, null, ~, yes, "true", '5']
            inner: { a: { b: [] } }
            empty:
            """
        #expect(
            json(yaml) == """
                {"name":"app","every":"1s","start":"2026-10-05T14:49:14Z","limits":[1,-2.5e3,"007","0x10","1_000"],\
                "words":[true,null,null,"yes","true","5"],"inner":{"a":{"b":[]}},"empty":null}
                """)
    }

    @Test func `what is neither is nothing`() {
        for text in ["a: [", "a: b: c", "\u{0}", "{\"a\": }x: ["] {
            #expect(json(text) == nil, "\(text)")
        }
        #expect(YAMLDocument.read([0xFF, 0xFE, 0x00]) == nil)
        #expect(json(String(repeating: "- ", count: 200) + "x") == nil, "deeper than JSON is read")
    }
}
