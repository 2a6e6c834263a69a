/// The byte layout of one envelope, version 1. All integers are little-endian; nothing is aligned.
///
/// ```
///  0  u8   version (1)
///  1  u8   flags                 patched in place: bit 0 resent, bit 1 alone, bit 2 tombstone
///  2  u8   resends               patched in place, stops at 255
///  3  u8   reserved (0)
///  4  u32  CRC-32C of the bytes from 8 up to `covered end`
///  8  u32  covered end           offset of the first byte that the ingress did not write
/// 12  u8   length of the source name (1 … 63)
/// 13  u8×3 reserved (0)
/// 16  u64×2 journal id           high half, low half
/// 32  u64  sequence
/// 40  i64  received-at           nanoseconds since 1970-01-01T00:00:00Z
/// 48  …    source name, UTF-8
///  …  sections until the end of the envelope:
///     u16 tag, u16 reserved (0), u32 length, bytes
/// ```
package enum EnvelopeLayout {
    package static let version: UInt8 = 1
    package static let flagsOffset = 1
    package static let resendsOffset = 2
    package static let checksumOffset = 4
    package static let coveredEndOffset = 8
    package static let sourceLengthOffset = 12
    package static let journalOffset = 16
    package static let sequenceOffset = 32
    package static let receivedAtOffset = 40
    package static let sourceOffset = 48
    package static let sectionHeadBytes = 8
}

/// The bits of an envelope's flags byte.
package struct EnvelopeFlags: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Sent before; whoever counts first sends must not count this one.
    package static let resent = EnvelopeFlags(rawValue: 1)
    /// Suspected of killing workers: travels in a batch of its own to a worker that holds nothing else.
    package static let alone = EnvelopeFlags(rawValue: 2)
    /// Given up by the ingress: stages pass it through untouched, the router quarantines it.
    package static let tombstone = EnvelopeFlags(rawValue: 4)
}

/// What a section holds. Unknown tags are carried on verbatim.
package struct SectionTag: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Header fields of the request (`RequestHead`). Written by the ingress.
    package static let requestHead = SectionTag(rawValue: 1)
    /// The request's body as received. Written by the ingress.
    package static let body = SectionTag(rawValue: 2)
    /// W3C trace context, the `traceparent` text. Written by the ingress.
    package static let traceContext = SectionTag(rawValue: 3)
    /// Journal id and sequence of the quarantined webhook that this one replays. Written by the ingress.
    package static let replayOf = SectionTag(rawValue: 4)
    /// Scheme and key id that matched. Written by the verifier.
    package static let verification = SectionTag(rawValue: 16)
    /// The body without its transport compression. Written by the verifier.
    package static let inflatedBody = SectionTag(rawValue: 17)
    /// The code that proved the request (its HMAC): one name for what was signed. Written by the verifier where the sender
    /// signs neither a time nor the field in which it names the webhook.
    package static let signedContent = SectionTag(rawValue: 18)
    /// The canonical events. Written by the normaliser.
    package static let events = SectionTag(rawValue: 32)
    /// Why the webhook, or one element of it, was refused. Any stage, any number.
    package static let rejection = SectionTag(rawValue: 48)
    /// When a stage took the record up and put it down (`StageStamp`). Every stage, one each.
    package static let stamp = SectionTag(rawValue: 64)

    /// The row of `SectionTable` for sections that an envelope has once; nil for all others.
    @inline(__always) fileprivate var row: Int? {
        switch rawValue {
        case 1...4: Int(rawValue) - 1
        case 16...18: Int(rawValue) - 12
        case 32: 7
        case 48: 8
        default: nil
        }
    }
}

/// Where the first section of each kind lies, found in the one walk that checks an envelope.
private struct SectionTable {
    private var places = InlineArray<9, (offset: UInt32, length: UInt32)>(repeating: (0, 0))

    @inline(__always) mutating func note(_ tag: SectionTag, offset: Int, length: Int) {
        guard let row = tag.row, places[row].offset == 0 else { return }
        places[row] = (UInt32(truncatingIfNeeded: offset), UInt32(truncatingIfNeeded: length))
    }

    @inline(__always) func range(_ row: Int) -> Range<Int>? {
        let place = places[row]
        return place.offset == 0 ? nil : Int(place.offset)..<Int(place.offset) + Int(place.length)
    }
}

/// A checked view of one envelope. It does not own the bytes and must not outlive whoever lent them.
package struct EnvelopeView {
    package let bytes: UnsafeRawBufferPointer
    private var sections = SectionTable()

    /// Checks version, bounds and the chain of sections, not the checksum.
    package init(_ bytes: UnsafeRawBufferPointer) throws(WireError) {
        guard bytes.count >= EnvelopeLayout.sourceOffset else { throw .truncated }
        guard bytes[0] == EnvelopeLayout.version else { throw .unknownVersion }
        self.bytes = bytes
        let sourceLength = Int(bytes[EnvelopeLayout.sourceLengthOffset])
        let sectionsStart = EnvelopeLayout.sourceOffset + sourceLength
        guard sourceLength >= 1, sourceLength <= Limits.sourceNameBytes, sectionsStart <= bytes.count,
            bytes.count <= UInt32.max, coveredEnd >= sectionsStart, coveredEnd <= bytes.count
        else { throw .badLength }
        var offset = sectionsStart
        while offset < bytes.count {
            guard bytes.count - offset >= EnvelopeLayout.sectionHeadBytes else { throw .badLength }
            let tag = SectionTag(rawValue: load(UInt16.self, at: offset))
            let length = Int(load(UInt32.self, at: offset + 4))
            offset += EnvelopeLayout.sectionHeadBytes
            guard length <= bytes.count - offset else { throw .badLength }
            sections.note(tag, offset: offset, length: length)
            offset += length
        }
    }

    package var flags: EnvelopeFlags { EnvelopeFlags(rawValue: bytes[EnvelopeLayout.flagsOffset]) }
    package var resends: UInt8 { bytes[EnvelopeLayout.resendsOffset] }
    package var journal: JournalID {
        JournalID(
            high: load(UInt64.self, at: EnvelopeLayout.journalOffset),
            low: load(UInt64.self, at: EnvelopeLayout.journalOffset + 8))
    }
    package var sequence: UInt64 { load(UInt64.self, at: EnvelopeLayout.sequenceOffset) }
    /// When the ingress took the request in: nanoseconds since 1970.
    package var receivedAtNanoseconds: Int64 { load(Int64.self, at: EnvelopeLayout.receivedAtOffset) }
    package var sourceBytes: UnsafeRawBufferPointer {
        let length = Int(bytes[EnvelopeLayout.sourceLengthOffset])
        return UnsafeRawBufferPointer(
            rebasing: bytes[EnvelopeLayout.sourceOffset..<EnvelopeLayout.sourceOffset + length])
    }
    package var source: String { String(decoding: sourceBytes, as: UTF8.self) }

    /// Whether what the ingress wrote is still what it wrote.
    package var isIntact: Bool {
        let covered = UnsafeRawBufferPointer(rebasing: bytes[EnvelopeLayout.coveredEndOffset..<coveredEnd])
        return crc32c(covered) == load(UInt32.self, at: EnvelopeLayout.checksumOffset)
    }

    /// The first section with that tag.
    package func section(_ tag: SectionTag) -> UnsafeRawBufferPointer? {
        if let row = tag.row { return sections.range(row).map { UnsafeRawBufferPointer(rebasing: bytes[$0]) } }
        var found: UnsafeRawBufferPointer?
        forEachSection { candidate, content in
            if candidate == tag {
                found = content
                return false
            }
            return true
        }
        return found
    }

    /// Calls `visit` with each section in order until it returns false.
    package func forEachSection(_ visit: (SectionTag, UnsafeRawBufferPointer) -> Bool) {
        var offset = EnvelopeLayout.sourceOffset + Int(bytes[EnvelopeLayout.sourceLengthOffset])
        while offset < bytes.count {
            let tag = SectionTag(rawValue: load(UInt16.self, at: offset))
            let length = Int(load(UInt32.self, at: offset + 4))
            offset += EnvelopeLayout.sectionHeadBytes
            guard visit(tag, UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])) else { return }
            offset += length
        }
    }

    /// Offset of the first byte that the ingress did not write.
    package var coveredEnd: Int { Int(load(UInt32.self, at: EnvelopeLayout.coveredEndOffset)) }

    private func load<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
        Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }
}
