/// Walks a batch: length-prefixed envelopes, one after the other.
package struct BatchReader {
    private var reader: ByteReader

    package init(_ batch: UnsafeRawBufferPointer) {
        reader = ByteReader(batch)
    }

    /// The next envelope without its length prefix; nil at the end.
    package mutating func next() throws(WireError) -> UnsafeRawBufferPointer? {
        if reader.isAtEnd { return nil }
        let length = Int(try reader.u32())
        return try reader.bytes(length)
    }
}
