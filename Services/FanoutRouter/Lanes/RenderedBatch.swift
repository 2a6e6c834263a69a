import EventLog
import Events
import NIOCore
import Wire

/// One row of the log with every event rendered once; all subscriptions send slices of the same buffer.
final class RenderedBatch: Sendable {
    let batch: EventBatch
    private let bodies: ByteBuffer
    private let ends: [Int32]

    init(_ batch: EventBatch) {
        self.batch = batch
        var writer = ByteWriter(reservingBytes: batch.sizeBytes + batch.count * 64)
        var ends: [Int32] = []
        ends.reserveCapacity(batch.count)
        for position in batch.first...batch.last {
            Self.render(position, of: batch, to: &writer)
            ends.append(Int32(truncatingIfNeeded: writer.count))
        }
        self.ends = ends
        bodies = ByteBuffer(bytes: writer.bytes)
    }

    var first: UInt64 { batch.first }
    var last: UInt64 { batch.last }
    var sizeBytes: Int { batch.sizeBytes + bodies.readableBytes }

    /// The CloudEvents JSON of one event; shares the batch's memory.
    func body(at position: UInt64) -> ByteBuffer? {
        guard position >= first, position <= last else { return nil }
        let index = Int(position - first)
        let start = index == 0 ? 0 : Int(ends[index - 1])
        return bodies.getSlice(at: start, length: Int(ends[index]) - start)
    }

    /// The CloudEvents JSON of one event alone.
    static func body(at position: UInt64, of batch: EventBatch) -> [UInt8] {
        var writer = ByteWriter(reservingBytes: 2048)
        render(position, of: batch, to: &writer)
        return writer.bytes
    }

    private static func render(_ position: UInt64, of batch: EventBatch, to writer: inout ByteWriter) {
        _ = batch.withRecord(at: position) { record in
            CloudEventsJSON.render(
                attributes: record.attributes, payload: record.payload,
                receivedAtNanoseconds: record.receivedAtNanoseconds, position: position, to: &writer)
        }
    }
}
