import EventLog
import NIOCore
package import PipelineConfiguration

/// Who takes what a watcher reads: a connection. All calls come on the hub's event loop.
package protocol WatcherOutput: AnyObject {
    /// Whether it takes anything now. When it does again it calls `PushHub.resume`.
    var isWritable: Bool { get }
    func write(_ event: WatchedEvent)
    /// These events are gone: retention dropped them before the watcher came to them, or they are another log's.
    func writeGap(_ gap: WatchGap)
    /// Everything up to here was looked at; the next events come as they happen.
    func writeCaughtUp()
    func flush()
    /// Nothing could be written for longer than is waited.
    func close(_ reason: WatchEnd)
}

/// Why a watcher ends.
package enum WatchEnd: Sendable {
    case tooSlow
    case stopping
}

/// What a watcher missed, said explicitly.
package struct WatchGap: Sendable, Equatable {
    /// The missing positions; nil where they are not of this log.
    package let positions: ClosedRange<UInt64>?
    package let sentence: String
}

/// An event on its way to a watcher; shares the memory of its row.
package struct WatchedEvent {
    package let position: UInt64
    let row: RenderedBatch

    /// Structured CloudEvents JSON.
    package var json: EventBody { row.body(at: position) ?? .buffer(ByteBuffer()) }

    /// The type with its prefix; empty where it has none.
    package var type: String {
        row.batch.withRecord(at: position) { record in
            record.attribute("type").map { String(decoding: $0, as: UTF8.self) } ?? ""
        } ?? ""
    }

    /// Lends media type and bytes of what the provider sent, without what was redacted; nil where the event's data is that.
    package func withOriginal<Value>(
        _ body: (_ contentType: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) -> Value
    ) -> Value? {
        row.batch.withRecord(at: position) { $0.original.map { body($0.contentType, $0.bytes) } } ?? nil
    }

    /// What a delivery in that format would carry; nil where the event is damaged.
    package func content(as format: SubscriptionFormat) -> DeliveryContent? {
        EventFormat.content(of: position, in: row, as: format)
    }
}

/// A reader of the event log by position with a filter of its own. Belongs to the hub's event loop.
package final class Watcher {
    enum State {
        /// Sees each event as it comes.
        case atHead
        /// Reads from this position on.
        case behind(UInt64)
    }

    package let output: any WatcherOutput
    var filter: LaneFilter
    /// Subjects that the filter names whole; nil where it takes others too.
    var subjects: [[UInt8]]?
    var state: State
    var isReading = false
    var isStopped = false
    var isTouched = false
    /// Since when nothing can be written; nil while it can.
    var blockedSince: NIODeadline?

    init(_ filter: SubscriptionFilter, at position: UInt64, output: any WatcherOutput) {
        self.output = output
        self.filter = LaneFilter(filter)
        subjects = Self.subjects(filter)
        state = .behind(position)
    }

    static func subjects(_ filter: SubscriptionFilter) -> [[UInt8]]? {
        guard !filter.subjects.isEmpty, !filter.subjects.contains(where: { $0.contains("*") }) else { return nil }
        return filter.subjects.map { Array($0.utf8) }
    }
}
