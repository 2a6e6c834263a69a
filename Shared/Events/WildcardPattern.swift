/// Text in which `*` stands for any number of any characters.
package struct WildcardPattern: Sendable {
    private let bytes: [UInt8]

    package init(_ pattern: String) {
        bytes = Array(pattern.utf8)
    }

    /// Greedy matching with one point of return: time is the product of both lengths at worst, never exponential.
    package func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        let star = UInt8(ascii: "*")
        var at = 0
        var inText = 0
        var returnPattern = -1
        var returnText = 0
        while inText < text.count {
            if at < bytes.count, bytes[at] == star {
                returnPattern = at
                returnText = inText
                at += 1
            } else if at < bytes.count, bytes[at] == text[inText] {
                at += 1
                inText += 1
            } else if returnPattern >= 0 {
                returnText += 1
                inText = returnText
                at = returnPattern + 1
            } else {
                return false
            }
        }
        while at < bytes.count, bytes[at] == star { at += 1 }
        return at == bytes.count
    }

    /// Whether all of `text` fits.
    package func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
    }
}
