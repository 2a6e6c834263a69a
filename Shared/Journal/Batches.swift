package import Wire

/// Envelopes with length prefixes that have no sequence yet, straight from `ByteWriter.openEnvelope`.
package struct OpenBatch: Sendable {
    package var frames: [UInt8]
    package var count: Int

    package init(frames: [UInt8], count: Int) {
        self.frames = frames
        self.count = count
    }
}

/// Consecutive journaled envelopes with their length prefixes: the very bytes that go on the bus.
package struct SealedBatch: Sendable, Equatable {
    package let first: UInt64
    package let count: Int
    package let frames: [UInt8]

    package init(first: UInt64, count: Int, frames: [UInt8]) {
        self.first = first
        self.count = count
        self.frames = frames
    }

    /// The sequence after the last.
    package var end: UInt64 { first + UInt64(count) }

    /// The records from `sequence` on, at most `maxRecords` and (but for the first) `maxBytes`; nil where the batch
    /// has none of them. Throws where the bytes are not whole envelopes.
    package func slice(
        from sequence: UInt64, maxRecords: Int, maxBytes: Int
    ) throws(WireError) -> SealedBatch? {
        guard sequence < end, maxRecords > 0 else { return nil }
        if sequence <= first, count <= maxRecords, frames.count <= maxBytes { return self }
        let skipped = sequence > first ? Int(sequence - first) : 0
        var range = 0..<0
        var taken = 0
        var offset = 0
        for index in 0..<count {
            let end = try Frames.end(ofRecordAt: offset, in: frames)
            if index >= skipped {
                if taken == 0 { range = offset..<offset }
                guard taken < maxRecords, taken == 0 || end - range.lowerBound <= maxBytes else { break }
                range = range.lowerBound..<end
                taken += 1
            }
            offset = end
        }
        return SealedBatch(first: first + UInt64(skipped), count: taken, frames: Array(frames[range]))
    }
}

/// Walks and seals length-prefixed envelopes in place.
enum Frames {
    /// The offset behind the envelope whose length prefix stands at `offset`.
    static func end(ofRecordAt offset: Int, in frames: [UInt8]) throws(WireError) -> Int {
        guard offset + 4 <= frames.count else { throw .truncated }
        let length = frames.withUnsafeBytes { bytes in
            Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        guard length > EnvelopeLayout.sourceOffset, length <= frames.count - offset - 4 else { throw .badLength }
        return offset + 4 + length
    }

    /// Gives every envelope its name on the bus, beginning with `first`. Returns how many there were.
    static func seal(_ frames: inout [UInt8], journal: JournalID, first: UInt64) throws(WireError) -> Int {
        var offset = 0
        var sequence = first
        while offset < frames.count {
            let end = try end(ofRecordAt: offset, in: frames)
            frames.withUnsafeMutableBytes { bytes in
                let envelope = UnsafeMutableRawBufferPointer(rebasing: bytes[(offset + 4)..<end])
                EnvelopePatch.seal(envelope, journal: journal, sequence: sequence)
            }
            sequence += 1
            offset = end
        }
        return Int(sequence - first)
    }
}
