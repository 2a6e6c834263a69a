import Testing
import Wire

@Suite struct FieldValueTests {
    @Test(arguments: [
        ("", ""), (" \t ", ""), ("a", "a"), (" a b\t", "a b"), ("\u{B}a\u{A0}", "\u{B}a\u{A0}"), ("\r\na", "\r\na"),
    ])
    func `blanks and tabs around a value are no part of it, other white space is`(_ text: String, _ trimmed: String) {
        #expect(String(FieldValue.trimmed(text[...])) == trimmed)
        let bytes = Array(text.utf8).withUnsafeBytes { Array(FieldValue.trimmed($0)) }
        #expect(String(decoding: bytes, as: UTF8.self) == trimmed)
    }
}
