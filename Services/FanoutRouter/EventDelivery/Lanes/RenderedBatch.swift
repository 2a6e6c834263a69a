package import EventLog
import Events
import NIOCore
import Wire

/// One row of the log with every event rendered once; all subscriptions send parts of the same memory and match against
/// the same places. Data that goes out as it came is not rendered: it stays in the row.
package final class RenderedBatch: Sendable {
    /// What is rendered of one event.
    private struct Rendered {
        /// Where it ends among the heads; it begins where that of the event before ends.
        let end: Int32
        /// Where in the row the data lies that comes behind it; nil where it is the whole.
        let data: Range<Int>?
    }

    let batch: EventBatch
    private let heads: [UInt8]
    private let rendered: [Rendered]
    /// Events that are large enough to be sent from where they are.
    private let large: [UInt64: ByteBuffer]
    /// Of each event; nil of one that is damaged.
    private let places: [AttributePlaces?]
    /// Whether the gateway itself says one of them, which not even an open filter takes.
    private let hasOwn: Bool

    init(_ batch: EventBatch) {
        self.batch = batch
        var heads = ByteWriter(reservingBytes: batch.count * Self.expectedHeadBytes)
        var rendered: [Rendered] = []
        var large: [UInt64: ByteBuffer] = [:]
        var places: [AttributePlaces?] = []
        rendered.reserveCapacity(batch.count)
        places.reserveCapacity(batch.count)
        batch.withBytes { row in
            for position in batch.first...batch.last {
                var data: Range<Int>?
                places.append(
                    batch.withRecord(at: position) { record in
                        if record.payload?.count ?? 0 > OutboundRequest.joinedBodyBytes {
                            large[position] = ByteBuffer(bytes: Self.body(record, position))
                        } else if Self.renderHead(record, position, to: &heads) {
                            data = record.payload.map { batch.place(of: $0) }
                        }
                        return AttributePlaces(record, in: row)
                    })
                rendered.append(Rendered(end: Int32(truncatingIfNeeded: heads.count), data: data))
            }
        }
        self.heads = heads.bytes
        self.rendered = rendered
        self.large = large
        self.places = places
        hasOwn = places.contains { $0?.isOfGateway ?? false }
    }

    /// About as long as the attributes of an event are with what the router adds.
    private static let expectedHeadBytes = 640

    var first: UInt64 { batch.first }
    var last: UInt64 { batch.last }
    /// What it holds in memory.
    var sizeBytes: Int {
        batch.memoryBytes + heads.capacity + large.values.reduce(0) { $0 + $1.storageCapacity }
            + rendered.count * (MemoryLayout<AttributePlaces?>.stride + MemoryLayout<Rendered>.stride)
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
    func body(at position: UInt64) -> EventBody? {
        guard position >= first, position <= last else { return nil }
        return large[position].map { .buffer($0) } ?? .rendered(self, position)
    }

    /// The length of the CloudEvents JSON of an event that is not large.
    func bodyBytes(at position: UInt64) -> Int {
        let index = Int(position - first)
        let head = Int(rendered[index].end) - (index == 0 ? 0 : Int(rendered[index - 1].end))
        return head + (rendered[index].data.map { $0.count + CloudEventsJSON.end.bytes.count } ?? 0)
    }

    /// Lends the pieces of the CloudEvents JSON of an event that is not large, in their order.
    func forEachPart(of position: UInt64, _ body: (UnsafeRawBufferPointer) -> Void) {
        let index = Int(position - first)
        let start = index == 0 ? 0 : Int(rendered[index - 1].end)
        heads.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<Int(rendered[index].end)])) }
        guard let data = rendered[index].data else { return }
        batch.withBytes { body(UnsafeRawBufferPointer(rebasing: $0[data])) }
        body(CloudEventsJSON.end.bytes)
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
        batch.withRecord(at: position) { body($0, position) } ?? []
    }

    private static func body(_ record: EventRecord, _ position: UInt64) -> [UInt8] {
        var writer = ByteWriter(reservingBytes: expectedHeadBytes + (record.payload?.count ?? 0))
        CloudEventsJSON.render(
            attributes: record.attributes, payload: record.payload,
            receivedAtNanoseconds: record.receivedAtNanoseconds, position: position, to: &writer)
        return writer.bytes
    }

    private static func renderHead(_ record: EventRecord, _ position: UInt64, to writer: inout ByteWriter) -> Bool {
        CloudEventsJSON.renderHead(
            attributes: record.attributes, payload: record.payload,
            receivedAtNanoseconds: record.receivedAtNanoseconds, position: position, to: &writer)
    }
}
