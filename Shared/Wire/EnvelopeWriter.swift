extension ByteWriter {
    /// Appends one section.
    package mutating func section(_ tag: SectionTag, _ content: UnsafeRawBufferPointer) {
        u16(tag.rawValue)
        u16(0)
        u32(UInt32(content.count))
        raw(content)
    }

    /// Appends one section whose content `write` appends.
    package mutating func section(_ tag: SectionTag, _ write: (inout ByteWriter) -> Void) {
        u16(tag.rawValue)
        u16(0)
        let lengthOffset = count
        u32(0)
        write(&self)
        patchU32(UInt32(count - lengthOffset - 4), at: lengthOffset)
    }

    /// Appends an envelope with its length prefix, as the ingress writes it: sequence, journal and checksum are
    /// still missing and follow with `sealEnvelope`, when the journal has given the sequence.
    ///
    /// `source` must have 1 to 63 bytes.
    package mutating func openEnvelope(
        source: UnsafeRawBufferPointer, receivedAtNanoseconds: Int64, sections: (inout ByteWriter) -> Void
    ) {
        precondition((1...Limits.sourceNameBytes).contains(source.count), "a source name has 1 to 63 bytes")
        let prefixOffset = count
        u32(0)
        u8(EnvelopeLayout.version)
        u8(0)
        u16(0)
        u32(0)
        let coveredEndOffset = count
        u32(0)
        u32(UInt32(source.count))
        u64(0)
        u64(0)
        u64(0)
        i64(receivedAtNanoseconds)
        raw(source)
        sections(&self)
        let length = UInt32(count - prefixOffset - 4)
        patchU32(length, at: prefixOffset)
        patchU32(length, at: coveredEndOffset)
    }
}

/// Changes envelopes in place, where the layout allows it.
package enum EnvelopePatch {
    /// Gives a new envelope its name on the bus and its checksum. `envelope` excludes the length prefix and comes
    /// straight from `openEnvelope`.
    package static func seal(_ envelope: UnsafeMutableRawBufferPointer, journal: JournalID, sequence: UInt64) {
        precondition(envelope.count > EnvelopeLayout.sourceOffset, "only whole envelopes are sealed")
        envelope.storeBytes(of: journal.high.littleEndian, toByteOffset: EnvelopeLayout.journalOffset, as: UInt64.self)
        envelope.storeBytes(
            of: journal.low.littleEndian, toByteOffset: EnvelopeLayout.journalOffset + 8, as: UInt64.self)
        envelope.storeBytes(of: sequence.littleEndian, toByteOffset: EnvelopeLayout.sequenceOffset, as: UInt64.self)
        let covered = UnsafeRawBufferPointer(
            rebasing: UnsafeRawBufferPointer(envelope)[EnvelopeLayout.coveredEndOffset...])
        envelope.storeBytes(
            of: crc32c(covered).littleEndian, toByteOffset: EnvelopeLayout.checksumOffset, as: UInt32.self)
    }

    /// Sets flags and the count of resends; both lie outside the checksum.
    package static func mark(_ envelope: UnsafeMutableRawBufferPointer, flags: EnvelopeFlags, resends: UInt8) {
        precondition(envelope.count > EnvelopeLayout.resendsOffset, "only whole envelopes are marked")
        envelope[EnvelopeLayout.flagsOffset] = flags.rawValue
        envelope[EnvelopeLayout.resendsOffset] = resends
    }
}
