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
        /// Nil where the event is damaged.
        let places: AttributePlaces?
    }

    let batch: EventBatch
    private let heads: [UInt8]
    private let rendered: [Rendered]
    /// Events that are large enough to be sent from where they are.
    private let large: [UInt64: ByteBuffer]
    /// Whether the gateway itself says one of them, which not even an open filter takes.
    private let hasOwn: Bool

    init(_ batch: EventBatch) {
        self.batch = batch
        var heads = ByteWriter(reservingBytes: batch.count * Self.expectedHeadBytes)
        var rendered: [Rendered] = []
        var large: [UInt64: ByteBuffer] = [:]
        rendered.reserveCapacity(batch.count)
        batch.withBytes { row in
            for position in batch.first...batch.last {
                let start = heads.count
                var data: Range<Int>?
                let places = batch.withRecord(at: position) { record in
                    let isOpen = CloudEventsJSON.renderHead(
                        attributes: record.attributes, payload: record.payload,
                        receivedAtNanoseconds: record.receivedAtNanoseconds, position: position, to: &heads)
                    if isOpen { data = record.payload.map { batch.place(of: $0) } }
                    if record.payload?.count ?? 0 > OutboundRequest.joinedBodyBytes {
                        large[position] = Self.whole(heads.bytes[start...], data.map { row[$0] })
                        heads.bytes.removeSubrange(start...)
                        data = nil
                    }
                    return AttributePlaces(record, in: row)
                }
                rendered.append(
                    Rendered(end: Int32(truncatingIfNeeded: heads.count), data: data, places: places))
            }
        }
        self.heads = heads.bytes
        self.rendered = rendered
        self.large = large
        hasOwn = rendered.contains { $0.places?.isOfGateway ?? false }
    }

    private static func whole(_ head: ArraySlice<UInt8>, _ data: Slice<UnsafeRawBufferPointer>?) -> ByteBuffer {
        let end = data == nil ? nil : CloudEventsJSON.end.bytes
        var buffer = ByteBufferAllocator().buffer(capacity: head.count + (data?.count ?? 0) + (end?.count ?? 0))
        buffer.writeBytes(head)
        if let data { buffer.writeBytes(data) }
        if let end { buffer.writeBytes(end) }
        return buffer
    }

    /// About as long as the attributes of an event are with what the router adds.
    private static let expectedHeadBytes = 640

    var first: UInt64 { batch.first }
    var last: UInt64 { batch.last }
    /// What it holds in memory.
    var sizeBytes: Int {
        batch.memoryBytes + heads.capacity + large.values.reduce(0) { $0 + $1.storageCapacity }
            + rendered.count * MemoryLayout<Rendered>.stride
    }

    /// The first event from `position` on whose attributes match; nil where none of this row does.
    func firstMatch(from position: UInt64, _ matcher: EventMatcher) -> UInt64? {
        guard position >= first, position <= last else { return nil }
        if matcher.isOpen, !hasOwn { return position }
        return batch.withBytes { row in
            var index = Int(position - first)
            while index < rendered.count {
                if let places = rendered[index].places, matcher.matches(places.lend(row)) {
                    return first + UInt64(index)
                }
                index += 1
            }
            return nil
        }
    }

    /// Lends the subject of each event, empty where it has none; a damaged event is left out.
    func forEachSubject(_ body: (UInt64, UnsafeRawBufferPointer) -> Void) {
        batch.withBytes { row in
            for index in rendered.indices {
                if let places = rendered[index].places { body(first + UInt64(index), places.lend(row).subject) }
            }
        }
    }

    /// Lends the trace context of each event that has one.
    func forEachTrace(_ body: (UInt64, UnsafeRawBufferPointer) -> Void) {
        batch.withBytes { row in
            for index in rendered.indices {
                guard let trace = rendered[index].places?.lendTrace(row), !trace.isEmpty else { continue }
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
        return headPlace(of: index).count
            + (rendered[index].data.map { $0.count + CloudEventsJSON.end.bytes.count } ?? 0)
    }

    private func headPlace(of index: Int) -> Range<Int> {
        (index == 0 ? 0 : Int(rendered[index - 1].end))..<Int(rendered[index].end)
    }

    /// Lends the pieces of the CloudEvents JSON of an event that is not large, in their order.
    func forEachPart(of position: UInt64, _ body: (UnsafeRawBufferPointer) -> Void) {
        let index = Int(position - first)
        heads.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[headPlace(of: index)])) }
        guard let data = rendered[index].data else { return }
        batch.withBytes { body(UnsafeRawBufferPointer(rebasing: $0[data])) }
        body(CloudEventsJSON.end.bytes)
    }

    /// When an event's webhook came; nil where the event is damaged.
    func receivedAtNanoseconds(at position: UInt64) -> Int64? {
        rendered[Int(position - first)].places?.receivedAtNanoseconds
    }

    /// The trace context of an event's sender; empty where it sent none.
    func trace(at position: UInt64) -> [UInt8] {
        guard let places = rendered[Int(position - first)].places else { return [] }
        return batch.withBytes { EventFormat.trace(places.lendTrace($0)) }
    }

    /// The CloudEvents JSON of one event alone.
    package static func body(at position: UInt64, of batch: EventBatch) -> [UInt8] {
        batch.withRecord(at: position) { record in
            var writer = ByteWriter(reservingBytes: expectedHeadBytes + (record.payload?.count ?? 0))
            CloudEventsJSON.render(
                attributes: record.attributes, payload: record.payload,
                receivedAtNanoseconds: record.receivedAtNanoseconds, position: position, to: &writer)
            return writer.bytes
        } ?? []
    }
}
