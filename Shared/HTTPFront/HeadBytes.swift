internal import Glibc
internal import Wire

extension UnsafeRawBufferPointer {
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[range])
    }

    /// Whether it is `word`, which is in small letters, digits and hyphens; case does not count. For text without control
    /// characters.
    func isWord(_ word: StaticString) -> Bool {
        count == word.utf8CodeUnitCount && (0..<count).allSatisfy { self[$0] | 0x20 == word.utf8Start[$0] }
    }

    /// The elements of a list, empty ones too.
    func forEachElement(_ body: (UnsafeRawBufferPointer) -> Void) {
        var start = 0
        while start <= count {
            let end = self[start...].firstIndex(of: 0x2C) ?? count
            body(FieldValue.trimmed(part(start..<end)))
            start = end + 1
        }
    }

    /// The place of the first LF.
    var firstLineEnd: Int? {
        guard let baseAddress, let place = memchr(baseAddress, 0x0A, count) else { return nil }
        return UnsafeRawPointer(place) - baseAddress
    }

    /// Name and trimmed value of the field that the line is; nil where it is none.
    func asField() -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
        var colon = 0
        while colon < count, HeadRules.isToken(self[colon]) { colon += 1 }
        guard colon > 0, colon < count, self[colon] == 0x3A else { return nil }
        return (part(0..<colon), FieldValue.trimmed(part(colon + 1..<count)))
    }
}
