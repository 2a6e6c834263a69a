import Events
import Wire

/// What one commit takes in, as it lies in a record of the commit log. Facts: never changed, and all that the state is
/// derived from.
///
/// ```
/// u8   version (1)
/// i64  when the router took it up, i64 when it was stored   nanoseconds since 1970
/// u64  position of the first event
/// u16  count of watermarks, per watermark u64×2 journal id, u64 sequence
/// u32  count of refused webhooks, per webhook as `write(_:after:)` puts it down
/// u32  count of rows, per row u32 count of names and u32 count of contents, u64×2 (low half first) each, u32 length
/// and then the rows' bytes: events as in `EventRecord`
/// ```
struct FactRecord {
    struct Row {
        let batch: EventBatch
        /// Keyed hashes of the events' names, one each, and of the signed contents of some.
        let names: [UInt128]
        let contents: [UInt128]
    }

    private static let version: UInt8 = 1

    let takenAtNanoseconds: Int64
    let appendedAtNanoseconds: Int64
    /// The position of the first event; of the next one where there is none.
    let first: UInt64
    let watermarks: [JournalID: UInt64]
    let rejected: [QuarantinedWebhook]
    let rows: [Row]

    /// The position behind the last event.
    var end: UInt64 { rows.last.map { $0.batch.last + 1 } ?? first }

    init(_ transaction: LogTransaction, first: UInt64, appendedAtNanoseconds: Int64) {
        takenAtNanoseconds = transaction.takenAtNanoseconds
        self.appendedAtNanoseconds = appendedAtNanoseconds
        self.first = first
        watermarks = transaction.watermarks
        rejected = transaction.rejected
        var position = first
        rows = transaction.rows.map { row in
            let batch = EventBatch(
                first: position, takenAtNanoseconds: transaction.takenAtNanoseconds,
                appendedAtNanoseconds: appendedAtNanoseconds, records: row.records.bytes, starts: row.starts)
            position = batch.last + 1
            return Row(batch: batch, names: row.hashes, contents: row.contents)
        }
    }

    init(_ rows: [Row], first: UInt64, takenAtNanoseconds: Int64, appendedAtNanoseconds: Int64) {
        (self.rows, self.first) = (rows, first)
        (self.takenAtNanoseconds, self.appendedAtNanoseconds) = (takenAtNanoseconds, appendedAtNanoseconds)
        (watermarks, rejected) = ([:], [])
    }

    /// Lends the parts that make the content of the record.
    func withParts<Value>(_ body: ([UnsafeRawBufferPointer]) -> Value) -> Value {
        head().withUnsafeBytes { Self.withParts(rows[...], [$0], body) }
    }

    private static func withParts<Value>(
        _ rows: ArraySlice<Row>, _ parts: [UnsafeRawBufferPointer], _ body: ([UnsafeRawBufferPointer]) -> Value
    ) -> Value {
        guard let row = rows.first else { return body(parts) }
        return row.batch.withBytes { withParts(rows.dropFirst(), parts + [$0], body) }
    }

    private func head() -> [UInt8] {
        var writer = ByteWriter(reservingBytes: 256 + rejected.reduce(0) { $0 + $1.head.count + $1.body.count })
        writer.u8(Self.version)
        writer.i64(takenAtNanoseconds)
        writer.i64(appendedAtNanoseconds)
        writer.u64(first)
        writer.u16(UInt16(watermarks.count))
        for (journal, sequence) in watermarks {
            writer.journalID(journal)
            writer.u64(sequence)
        }
        writer.u32(UInt32(rejected.count))
        for (index, webhook) in rejected.enumerated() {
            writer.write(webhook, after: index > 0 ? rejected[index - 1] : nil)
        }
        writer.u32(UInt32(rows.count))
        for row in rows {
            writer.u32(UInt32(row.names.count))
            writer.u32(UInt32(row.contents.count))
            for hash in row.names + row.contents {
                writer.u64(UInt64(truncatingIfNeeded: hash))
                writer.u64(UInt64(truncatingIfNeeded: hash >> 64))
            }
            writer.u32(UInt32(row.batch.sizeBytes))
        }
        return writer.bytes
    }

    /// Reads the content of a record; throws where it is none.
    init(_ content: [UInt8]) throws(WireError) {
        self = try content.withUnsafeBytes { bytes in Result { () throws(WireError) in try FactRecord(bytes) } }.get()
    }

    private init(_ bytes: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(bytes)
        guard try reader.u8() == Self.version else { throw .unknownVersion }
        takenAtNanoseconds = try reader.i64()
        appendedAtNanoseconds = try reader.i64()
        first = try reader.u64()
        var watermarks: [JournalID: UInt64] = [:]
        for _ in 0..<(try reader.u16()) {
            let journal = try reader.journalID()
            watermarks[journal] = try reader.u64()
        }
        self.watermarks = watermarks
        var rejected: [QuarantinedWebhook] = []
        for _ in 0..<(try reader.u32()) { rejected.append(try reader.quarantinedWebhook(after: rejected.last)) }
        self.rejected = rejected
        var heads: [(names: [UInt128], contents: [UInt128], length: Int)] = []
        for _ in 0..<(try reader.u32()) {
            let (names, contents) = (Int(try reader.u32()), Int(try reader.u32()))
            heads.append((try reader.hashes(names), try reader.hashes(contents), Int(try reader.u32())))
        }
        var rows: [Row] = []
        var position = first
        for head in heads {
            let batch = try EventBatch(
                first: position, takenAtNanoseconds: takenAtNanoseconds, appendedAtNanoseconds: appendedAtNanoseconds,
                records: Array(try reader.bytes(head.length)))
            guard batch.count > 0 else { throw .truncated }
            position = batch.last + 1
            rows.append(Row(batch: batch, names: head.names, contents: head.contents))
        }
        self.rows = rows
    }
}

extension ByteWriter {
    /// u8 flags (1 verified, 2 a replay, 4 head and body are those of the webhook before); source, code, stage and detail,
    /// u16 length each; u32 length, elements; u64×2 journal id, u64 sequence; i64 received-at, i64 quarantined-at;
    /// without flag 4 u32 length and head, u32 length and body.
    fileprivate mutating func write(_ webhook: QuarantinedWebhook, after former: QuarantinedWebhook?) {
        let repeats = former.map { $0.head == webhook.head && $0.body == webhook.body } ?? false
        u8((webhook.isVerified ? 1 : 0) | (webhook.isReplay ? 2 : 0) | (repeats ? 4 : 0))
        for text in [webhook.source, webhook.code, webhook.stage, webhook.detail] { text16(text) }
        let elements = ElementList.encoded(webhook.elements)
        u32(UInt32(elements.count))
        raw(elements)
        journalID(webhook.journal)
        u64(webhook.sequence)
        i64(webhook.receivedAtNanoseconds)
        i64(webhook.quarantinedAtNanoseconds)
        if repeats { return }
        for bytes in [webhook.head, webhook.body] {
            u32(UInt32(bytes.count))
            raw(bytes)
        }
    }
}

extension ByteReader {
    fileprivate mutating func quarantinedWebhook(
        after former: QuarantinedWebhook?
    ) throws(WireError) -> QuarantinedWebhook {
        let flags = try u8()
        let (source, code, stage, detail) = (try text16(), try text16(), try text16(), try text16())
        let elements = ElementList.decoded(Array(try bytes(Int(try u32()))))
        let (journal, sequence, receivedAt, quarantinedAt) = (try journalID(), try u64(), try i64(), try i64())
        let content: (head: [UInt8], body: [UInt8])
        if flags & 4 == 0 {
            let head = Array(try bytes(Int(try u32())))
            content = (head, Array(try bytes(Int(try u32()))))
        } else {
            content = (former?.head ?? [], former?.body ?? [])
        }
        var webhook = QuarantinedWebhook(
            source: source, code: code, stage: stage, isVerified: flags & 1 != 0, elements: elements, detail: detail,
            journal: journal, sequence: sequence, receivedAtNanoseconds: receivedAt,
            quarantinedAtNanoseconds: quarantinedAt, head: content.head, body: content.body)
        webhook.isReplay = flags & 2 != 0
        return webhook
    }

    fileprivate mutating func hashes(_ count: Int) throws(WireError) -> [UInt128] {
        var hashes: [UInt128] = []
        for _ in 0..<count {
            let low = try u64()
            hashes.append(UInt128(try u64()) << 64 | UInt128(low))
        }
        return hashes
    }
}
