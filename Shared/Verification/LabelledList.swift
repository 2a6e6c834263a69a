import Primitives

/// Header fields that hold several labelled values: `t=1,v1=ab` or `v1,ab v1a,cd`. Senders add what only later receivers
/// know, so a part that has no label and value is passed over, as the providers' own libraries do.
enum LabelledList {
    /// More values, and a longer text, than any sender gives; a stranger must not buy work with them.
    static let maxValues = 128
    static let maxBytes = 8192

    /// Calls `visit` with each label and value, without the blanks around them. False where there are more than
    /// `maxValues` parts or the text is longer than `maxBytes`; nothing or not all is visited then.
    static func forEach(
        in text: UnsafeRawBufferPointer, between: UInt8, inside: UInt8,
        _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        guard text.count <= maxBytes else { return false }
        var rest = text
        var count = 0
        while !rest.isEmpty {
            let end = rest.firstIndex(of: between) ?? rest.count
            let part = UnsafeRawBufferPointer(rebasing: rest[..<end]).trimmed
            rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...])
            guard !part.isEmpty else { continue }
            count += 1
            guard count <= maxValues else { return false }
            guard let middle = part.firstIndex(of: inside) else { continue }
            let label = UnsafeRawBufferPointer(rebasing: part[..<middle]).trimmed
            let value = UnsafeRawBufferPointer(rebasing: part[(middle + 1)...]).trimmed
            if !label.isEmpty, !value.isEmpty { visit(label, value) }
        }
        return true
    }
}
