import EventLog
import PipelineConfiguration
import Wire

@testable import EventDelivery

/// Events as destinations are given them, made of any attributes.
enum BrokerSample {
    static let usual = [
        ("type", "dev.tributary.participant.joined"), ("source", "/sources/stream"), ("id", "evt-1"),
        ("subject", "call/default:1"), ("partitionkey", "call/default:1"), ("time", "2026-11-28T10:00:00Z"),
        ("provider", "stream-calls"), ("datacontenttype", "application/json"),
    ]

    /// The usual attributes with some changed; an empty one is left out.
    static func content(
        _ changes: [String: String] = [:], payload: String = "{\"a\":1}", as format: SubscriptionFormat = .cloudevents
    ) throws -> DeliveryContent {
        let attributes = usual.map { ($0.0, changes[$0.0] ?? $0.1) }.filter { !$0.1.isEmpty }
        var list = ByteWriter()
        for (key, value) in attributes {
            list.u8(UInt8(key.utf8.count))
            list.u16(UInt16(value.utf8.count))
            list.raw(Array(key.utf8))
            list.raw(Array(value.utf8))
        }
        var record = ByteWriter()
        record.u8(EventRecord.version)
        record.i64(1)
        record.journalID(JournalID(high: 0, low: 0))
        record.u64(0)
        record.u32(0)
        record.text8("stream-prod")
        record.u8(0)
        record.u8(UInt8(attributes.count))
        record.u32(UInt32(list.count))
        record.raw(list.bytes)
        record.u8(1)
        record.u32(UInt32(payload.utf8.count))
        record.raw(Array(payload.utf8))
        var row = ByteWriter()
        row.u32(UInt32(record.count))
        row.raw(record.bytes)
        let batch = try EventBatch(first: 7, takenAtNanoseconds: 1, appendedAtNanoseconds: 2, records: row.bytes)
        guard let content = EventFormat.content(of: 7, in: RenderedBatch(batch), as: format) else {
            throw WireError.truncated
        }
        return content
    }
}
