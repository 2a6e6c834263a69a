package import EventLog
import Events
import NIOCore
import Wire

/// One row of the log with every event rendered once; all subscriptions send slices of the same buffer and match against
/// the same places.
package final class RenderedBatch: Sendable {
    let batch: EventBatch
    private let bodies: ByteBuffer
    private let ends: [Int32]
    /// Of each event; nil of one that is damaged.
    private let places: [AttributePlaces?]
    /// Whether the gateway itself says one of them, which not even an open filter takes.
    private let hasOwn: Bool

    init(_ batch: EventBatch) {
        self.batch = batch
        var writer = ByteWriter(reservingBytes: batch.sizeBytes + batch.count * 64)
        var ends: [Int32] = []
        var places: [AttributePlaces?] = []
        ends.reserveCapacity(batch.count)
        places.reserveCapacity(batch.count)
        batch.withBytes { row in
            for position in batch.first...batch.last {
                places.append(
                    batch.withRecord(at: position) { record in
                        Self.render(record, position, to: &writer)
                        return AttributePlaces(record, in: row)
                    })
                ends.append(Int32(truncatingIfNeeded: writer.count))
            }
        }
        self.ends = ends
        self.places = places
        hasOwn = places.contains { $0?.isOfGateway ?? false }
        bodies = ByteBuffer(bytes: writer.bytes)
    }

    var first: UInt64 { batch.first }
    var last: UInt64 { batch.last }
    /// What it holds in memory; buffers are a power of two long.
    var sizeBytes: Int {
        batch.sizeBytes + bodies.storageCapacity + places.count * MemoryLayout<AttributePlaces?>.stride
    }

    /// The first event from `position` on whose attributes match; nil where none of this row does.
    func firstMatch(from position: UInt64, _ matcher: EventMatcher) -> UInt64? {
        guard position >= first, position <= last else { return nil }
        if matcher.isOpen, !hasOwn { return position }
        return batch.withBytes { row in
            var index = Int(position - first)
            while index < places.count {
                if let places = places[index], matcher.matches(places.lend(row)) { return first + UInt64(index) }
                index += 1
            }
            return nil
        }
    }

    /// Lends the subject of each event, empty where it has none; a damaged event is left out.
    func forEachSubject(_ body: (UInt64, UnsafeRawBufferPointer) -> Void) {
        batch.withBytes { row in
            for (index, places) in places.enumerated() {
                if let places { body(first + UInt64(index), places.lend(row).subject) }
            }
        }
    }

    /// Lends the trace context of each event that has one.
    func forEachTrace(_ body: (UInt64, UnsafeRawBufferPointer) -> Void) {
        batch.withBytes { row in
            for (index, places) in places.enumerated() {
                guard let trace = places?.lendTrace(row), !trace.isEmpty else { continue }
                body(first + UInt64(index), trace)
            }
        }
    }

    /// The CloudEvents JSON of one event; shares the batch's memory.
    func body(at position: UInt64) -> ByteBuffer? {
        guard position >= first, position <= last else { return nil }
        let index = Int(position - first)
        let start = index == 0 ? 0 : Int(ends[index - 1])
        return bodies.getSlice(at: start, length: Int(ends[index]) - start)
    }

    /// When an event's webhook came; nil where the event is damaged.
    func receivedAtNanoseconds(at position: UInt64) -> Int64? { places[Int(position - first)]?.receivedAtNanoseconds }

    /// The trace context of an event's sender; empty where it sent none.
    func trace(at position: UInt64) -> [UInt8] {
        guard let places = places[Int(position - first)] else { return [] }
        return batch.withBytes { EventFormat.trace(places.lendTrace($0)) }
    }

    /// The CloudEvents JSON of one event alone.
    package static func body(at position: UInt64, of batch: EventBatch) -> [UInt8] {
        var writer = ByteWriter(reservingBytes: 2048)
        _ = batch.withRecord(at: position) { render($0, position, to: &writer) }
        return writer.bytes
    }

    private static func render(_ record: EventRecord, _ position: UInt64, to writer: inout ByteWriter) {
        CloudEventsJSON.render(
            attributes: record.attributes, payload: record.payload,
            receivedAtNanoseconds: record.receivedAtNanoseconds, position: position, to: &writer)
    }
}
