/// What travels on a link. The raw value is on the wire.
package enum LinkKind: UInt8, Sendable {
    /// Upstream to downstream: length-prefixed envelopes.
    case batch = 1
    /// Downstream to upstream, and stage to ingress on the way back: who speaks.
    case hello = 2
    /// Downstream to upstream: what may be sent and what is finished.
    case credit = 3
    /// Verifier to ingress.
    case verdicts = 4
    /// Router to ingress.
    case settlement = 5
    /// Verifier or normaliser to ingress: records that a dead neighbour held.
    case lost = 6
    /// Ingress to whoever said hello on its control socket: its journal and window.
    case window = 7
    /// Router to ingress: the window cannot be reserved. Upstream and ingress to whoever said hello: no common version.
    case refusal = 8
    /// Upstream to downstream: the number of the last batch sent; asks for nothing.
    case ping = 9
    /// On the tap: a batch as it passed a hop.
    case tap = 10

    /// Whether it is the same in every version, so that builds without a common one understand it.
    var isInAllVersions: Bool { self == .hello || self == .refusal || self == .ping }
}

/// The first frame of everything on the bus: 32 bytes, little-endian.
///
/// ```
///  0  u32  magic, the characters "TRIB"
///  4  u8   version (`WireVersion`)
///  5  u8   kind (`LinkKind`)
///  6  u16  reserved (0)
///  8  u64  boot id of the sender: random per process start
/// 16  u64  number: of the batch on its link (from 1), of the last batch sent (ping), of the link (hello), of the tap record
/// 24  u32  count of records or entries in the body
/// 28  u32  length of the body frame
/// ```
package struct LinkHeader: Equatable, Sendable {
    package static let byteCount = 32
    package static let magic: UInt32 = 0x4249_5254

    package var version: UInt8
    package var kind: LinkKind
    package var bootID: UInt64
    package var number: UInt64
    package var count: UInt32
    package var bodyBytes: UInt32

    package init(
        version: UInt8 = WireVersion.known.upperBound, kind: LinkKind, bootID: UInt64, number: UInt64, count: Int,
        bodyBytes: Int
    ) {
        self.version = kind == .hello || kind == .refusal ? WireVersion.ofGreetings : version
        self.kind = kind
        self.bootID = bootID
        self.number = number
        self.count = UInt32(clamping: count)
        self.bodyBytes = UInt32(clamping: bodyBytes)
    }

    package init(_ frame: UnsafeRawBufferPointer) throws(WireError) {
        guard frame.count == Self.byteCount else { throw .badLength }
        var reader = ByteReader(frame)
        guard try reader.u32() == Self.magic else { throw .unknownMagic }
        version = try reader.u8()
        let kind = LinkKind(rawValue: try reader.u8())
        guard WireVersion.known.contains(version) || kind?.isInAllVersions == true else { throw .unknownVersion }
        guard let kind else { throw .unknownKind }
        _ = try reader.u16()
        self.kind = kind
        bootID = try reader.u64()
        number = try reader.u64()
        count = try reader.u32()
        bodyBytes = try reader.u32()
    }

    package func write(to writer: inout ByteWriter) {
        writer.u32(Self.magic)
        writer.u8(version)
        writer.u8(kind.rawValue)
        writer.u16(0)
        writer.u64(bootID)
        writer.u64(number)
        writer.u32(count)
        writer.u32(bodyBytes)
    }
}
