import Executable

/// Header fields as people write them.
enum HeaderText {
    /// `Name: value`.
    static func field(_ text: String) throws(StageFailure) -> (name: String, value: String) {
        guard let colon = text.firstIndex(of: ":"), colon > text.startIndex else { throw malformed(text) }
        let name = text[..<colon]
        let value = text[text.index(after: colon)...]
        // RFC 9110 section 5.1: a name is a token; section 5.5: a value has no line ends.
        guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
        else { throw malformed(text) }
        return (String(name), trimmed(value))
    }

    /// What a file holds: one field per line, as tools print them; a request line or status line before them and empty
    /// lines after them are left out. The request line's query and path come along as `target`.
    static func fields(
        _ text: String
    ) throws(StageFailure) -> (target: String?, fields: [(name: String, value: String)]) {
        var target: String?
        var fields: [(name: String, value: String)] = []
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            if trimmed(line).isEmpty { continue }
            let words = line.split(separator: " ")
            if number == 0, words.count >= 2, words.first?.hasPrefix("HTTP/") ?? false { continue }
            if number == 0, words.count == 3, words[2].hasPrefix("HTTP/") {
                target = String(words[1])
                continue
            }
            fields.append(try field(String(line)))
        }
        return (target, fields)
    }

    private static func trimmed(_ text: Substring) -> String {
        let isBlank = { (character: Character) in character == " " || character == "\t" || character.isNewline }
        var text = text.drop(while: isBlank)
        while text.last.map(isBlank) ?? false { text.removeLast() }
        return String(text)
    }

    /// The value may be a secret, so it is not shown.
    private static func malformed(_ text: String) -> StageFailure {
        let name = text.prefix { $0 != ":" }.prefix(40)
        return StageFailure(
            .usage, "header_malformed: \"\(printable(String(name)))…\" is no header field; write \"Name: value\"")
    }
}
