import Wire

/// A path with places in it, such as `call/{type}/{id}/event`: which paths fit, and what stands in the places.
package struct PathTemplate: Sendable, Equatable {
    /// As written, for sentences.
    package let text: String
    /// nil: a place.
    private let parts: [[UInt8]?]

    /// Longest value of a place, once decoded.
    package static let mostValueBytes = 256

    package init(_ text: String) {
        self.text = text
        parts = text.split(separator: "/").map { $0.hasPrefix("{") ? nil : Array($0.utf8) }
    }

    /// The decoded values of the places in their order; nil where `path`, which begins without a slash, does not fit, or a
    /// value is empty, too long, not percent-encoded right, or holds a control character.
    package func values(in path: UnsafeRawBufferPointer) -> [[UInt8]]? {
        let given = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard given.count == parts.count else { return nil }
        var values: [[UInt8]] = []
        for (part, bytes) in zip(parts, given) {
            let bytes = UnsafeRawBufferPointer(rebasing: bytes)
            if let part {
                guard bytes.equals(part) else { return nil }
                continue
            }
            guard let value = PercentCoding.decode(bytes, plusIsSpace: false),
                (1...Self.mostValueBytes).contains(value.count), value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else { return nil }
            values.append(value)
        }
        return values
    }
}
