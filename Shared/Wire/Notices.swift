/// Who speaks on a link: `u8 role`, `u8 lowest version`, `u8 highest version`, `u8 length` and instance.
///
/// The header's `number` names the link: a repeated hello has the same one, a rebuilt link a new one.
package struct HelloNotice: Equatable, Sendable {
    package var role: StageRole
    package var instance: String
    package var versions: ClosedRange<UInt8>

    package init(role: StageRole, instance: String, versions: ClosedRange<UInt8> = WireVersion.known) {
        self.role = role
        self.instance = instance
        self.versions = versions
    }

    package init(body: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(body)
        guard let role = StageRole(rawValue: try reader.u8()) else { throw .unknownKind }
        let (low, high) = (try reader.u8(), try reader.u8())
        guard low <= high else { throw .unknownVersion }
        self.role = role
        versions = low...high
        instance = try reader.text8()
    }

    package func write(to writer: inout ByteWriter) {
        writer.u8(role.rawValue)
        writer.u8(versions.lowerBound)
        writer.u8(versions.upperBound)
        writer.text8(instance)
    }
}

/// Who taps and when the batch passed: a hello, then `i64` nanoseconds since 1970. Versions before it had no time.
package struct TapNotice: Equatable, Sendable {
    package var hello: HelloNotice
    package var passedNanoseconds: Int64?

    package init(_ hello: HelloNotice, passedNanoseconds: Int64?) {
        self.hello = hello
        self.passedNanoseconds = passedNanoseconds
    }

    package init(body: UnsafeRawBufferPointer) throws(WireError) {
        hello = try HelloNotice(body: body)
        let helloBytes = 4 + hello.instance.utf8.count
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: body.dropFirst(helloBytes)))
        passedNanoseconds = try? reader.i64()
    }

    package func write(to writer: inout ByteWriter) {
        hello.write(to: &writer)
        if let passedNanoseconds { writer.i64(passedNanoseconds) }
    }
}

/// The whole state of a worker's side of a link, so that a lost or repeated one does no harm: `u64 granted through`,
/// `u64 received through`, `u32 most records`, `u32 most bytes`, `u16 count`, then each unfinished batch's `u64` number.
package struct CreditNotice: Equatable, Sendable {
    /// Batches up to this number may be sent.
    package var grantedThrough: UInt64
    /// Batches up to this number have arrived; those among them that are not in `unfinished` are done.
    package var receivedThrough: UInt64
    package var mostRecords: UInt32
    package var mostBytes: UInt32
    package var unfinished: [UInt64]

    package init(
        grantedThrough: UInt64, receivedThrough: UInt64, mostRecords: UInt32, mostBytes: UInt32, unfinished: [UInt64]
    ) {
        self.grantedThrough = grantedThrough
        self.receivedThrough = receivedThrough
        self.mostRecords = mostRecords
        self.mostBytes = mostBytes
        self.unfinished = unfinished
    }

    package init(body: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(body)
        grantedThrough = try reader.u64()
        receivedThrough = try reader.u64()
        mostRecords = try reader.u32()
        mostBytes = try reader.u32()
        unfinished = []
        for _ in 0..<(try reader.u16()) { unfinished.append(try reader.u64()) }
    }

    package func write(to writer: inout ByteWriter) {
        writer.u64(grantedThrough)
        writer.u64(receivedThrough)
        writer.u32(mostRecords)
        writer.u32(mostBytes)
        writer.u16(UInt16(unfinished.count))
        for number in unfinished { writer.u64(number) }
    }
}

/// The ingress' journal and how much it may have unsettled on the bus: journal id, `u64 first retained`,
/// `u64 last sequence`, `u32 records`, `u64 bytes`.
package struct WindowNotice: Equatable, Sendable {
    package var journal: JournalID
    /// The lowest sequence that the journal still holds, or the next one where it holds none.
    package var firstRetained: UInt64
    /// The last sequence given; 0 before the first.
    package var lastSequence: UInt64
    package var records: UInt32
    package var bytes: UInt64

    package init(journal: JournalID, firstRetained: UInt64, lastSequence: UInt64, records: UInt32, bytes: UInt64) {
        self.journal = journal
        self.firstRetained = firstRetained
        self.lastSequence = lastSequence
        self.records = records
        self.bytes = bytes
    }

    package init(body: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(body)
        journal = try reader.journalID()
        firstRetained = try reader.u64()
        lastSequence = try reader.u64()
        records = try reader.u32()
        bytes = try reader.u64()
    }

    package func write(to writer: inout ByteWriter) {
        writer.journalID(journal)
        writer.u64(firstRetained)
        writer.u64(lastSequence)
        writer.u32(records)
        writer.u64(bytes)
    }
}

/// What the router has of one journal: journal id, `u64 watermark`, `u32 count`, then `u64 first`, `u64 last` of each
/// range that it holds above the watermark. The header's count says how many of the records that are new in it arrived
/// only because they were sent again. Repeated while idle; losing one costs nothing.
package struct SettlementNotice: Equatable, Sendable {
    package var journal: JournalID
    /// Everything up to here is in the event log or the quarantine.
    package var watermark: UInt64
    package var held: [SequenceRange]
    /// Travels in the header's count. 0 from routers that do not count them.
    package var laterCopies: UInt32

    package init(journal: JournalID, watermark: UInt64, held: [SequenceRange], laterCopies: UInt32 = 0) {
        self.journal = journal
        self.watermark = watermark
        self.held = held
        self.laterCopies = laterCopies
    }

    package init(body: UnsafeRawBufferPointer, laterCopies: UInt32 = 0) throws(WireError) {
        var reader = ByteReader(body)
        journal = try reader.journalID()
        watermark = try reader.u64()
        held = try reader.ranges()
        self.laterCopies = laterCopies
    }

    package func write(to writer: inout ByteWriter) {
        writer.journalID(journal)
        writer.u64(watermark)
        writer.ranges(held)
    }
}

/// Records that a dead worker had not finished: `u8 role of the dead`, `u8` 1 where each of them was alone with it,
/// journal id, ranges as in a settlement.
package struct LostNotice: Equatable, Sendable {
    package var deadRole: StageRole
    package var wasAlone: Bool
    package var journal: JournalID
    package var ranges: [SequenceRange]

    package init(deadRole: StageRole, wasAlone: Bool, journal: JournalID, ranges: [SequenceRange]) {
        self.deadRole = deadRole
        self.wasAlone = wasAlone
        self.journal = journal
        self.ranges = ranges
    }

    package init(body: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(body)
        guard let role = StageRole(rawValue: try reader.u8()) else { throw .unknownKind }
        deadRole = role
        wasAlone = try reader.u8() != 0
        journal = try reader.journalID()
        ranges = try reader.ranges()
    }

    package func write(to writer: inout ByteWriter) {
        writer.u8(deadRole.rawValue)
        writer.u8(wasAlone ? 1 : 0)
        writer.journalID(journal)
        writer.ranges(ranges)
    }
}

extension ByteReader {
    fileprivate mutating func ranges() throws(WireError) -> [SequenceRange] {
        let count = Int(try u32())
        guard count <= Limits.rangesPerNotice else { throw .badLength }
        var ranges: [SequenceRange] = []
        ranges.reserveCapacity(count)
        for _ in 0..<count {
            let (first, last) = (try u64(), try u64())
            guard first <= last else { throw .badLength }
            ranges.append(SequenceRange(first, last))
        }
        return ranges
    }
}

extension ByteWriter {
    fileprivate mutating func ranges(_ ranges: [SequenceRange]) {
        let kept = ranges.prefix(Limits.rangesPerNotice)
        u32(UInt32(kept.count))
        for range in kept {
            u64(range.first)
            u64(range.last)
        }
    }
}
