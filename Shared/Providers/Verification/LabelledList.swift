/// Header fields that hold several labelled values: `t=1,v1=ab` or `v1,ab v1a,cd`.
enum LabelledList {
    /// More values than any sender gives; a stranger must not buy work with them.
    static let maxValues = 8

    /// Calls `visit` with each label and value until it returns false. False where it did, where a part has no label
    /// and value, or where there are more than `maxValues`.
    static func forEach(
        in text: UnsafeRawBufferPointer, between: UInt8, inside: UInt8,
        _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        var start = 0
        var count = 0
        while true {
            let end = text[start...].firstIndex(of: between) ?? text.count
            count += 1
            guard count <= maxValues, let middle = text[start..<end].firstIndex(of: inside), middle > start,
                middle + 1 < end,
                visit(
                    UnsafeRawBufferPointer(rebasing: text[start..<middle]),
                    UnsafeRawBufferPointer(rebasing: text[(middle + 1)..<end]))
            else { return false }
            if end == text.count { return true }
            start = end + 1
        }
    }
}
