extension StaticString {
    /// The text's bytes, valid for ever.
    @inlinable package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these are exactly the bytes of `text`.
    @inlinable package func equals(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && elementsEqual(text.bytes)
    }
}
