import EventLog
import Events
import NIOCore
import PipelineConfiguration
import Wire

/// What one request carries: its body and the header fields that describe it.
package struct DeliveryContent {
    package var contentType: [UInt8]
    /// The header fields of the binary format: whole lines with their line ends.
    package var fields: [UInt8] = []
    /// The trace context of its sender, which goes on to its receiver; empty where there is none.
    package var trace: [UInt8] = []
    package var body: EventBody
    /// The row that the event lies in, and where, for destinations that look at its attributes; nil of several in one body.
    var row: (batch: EventBatch, position: UInt64)?

    /// Lends the event as it lies in the log.
    func withRecord<Value>(_ body: (EventRecord) -> Value) -> Value? {
        row.flatMap { $0.batch.withRecord(at: $0.position, body) }
    }
}

/// How events become the content of requests, by the format of the subscription.
enum EventFormat {
    /// One event of a rendered row. Structured CloudEvents share the row's memory.
    static func content(
        of position: UInt64, in batch: RenderedBatch, as format: SubscriptionFormat
    ) -> DeliveryContent? {
        if format == .cloudevents {
            guard let body = batch.body(at: position) else { return nil }
            var content = structured(body, trace: batch.trace(at: position))
            content.row = (batch.batch, position)
            return content
        }
        return content(of: position, in: batch.batch, as: format)
    }

    /// One event of a row as it lies in the log.
    static func content(
        of position: UInt64, in batch: EventBatch, as format: SubscriptionFormat
    ) -> DeliveryContent? {
        batch.withRecord(at: position) { record in
            var content =
                switch format {
                case .cloudevents:
                    structured(.buffer(ByteBuffer(bytes: RenderedBatch.body(at: position, of: batch))))
                case .cloudeventsBinary: BinaryFormat.content(record, of: batch, position: position)
                case .original: original(record, of: batch)
                case .superviz: SuperVizFormat.content(record)
                }
            if let trace = record.attribute("traceparent") { content.trace = Self.trace(trace) }
            content.row = (batch, position)
            return content
        }
    }

    /// A trace context as it may be passed on. What the log holds is not trusted to be one line.
    static func trace(_ trace: UnsafeRawBufferPointer) -> [UInt8] { TraceContext.isValid(trace) ? Array(trace) : [] }

    private static func structured(_ body: EventBody, trace: [UInt8] = []) -> DeliveryContent {
        DeliveryContent(contentType: structuredType, trace: trace, body: body)
    }

    /// The provider's bytes, or, where the data is a part of them, that part; both without what was redacted.
    private static func original(_ record: EventRecord, of batch: EventBatch) -> DeliveryContent {
        if let original = record.original {
            return DeliveryContent(
                contentType: Array(original.contentType), body: .stored(batch, batch.place(of: original.bytes)))
        }
        return DeliveryContent(contentType: mediaType(of: record), body: data(record, of: batch))
    }

    /// An event's data as it lies in its row.
    static func data(_ record: EventRecord, of batch: EventBatch) -> EventBody {
        .stored(batch, record.payload.map { batch.place(of: $0) } ?? 0..<0)
    }

    /// What an event's data is, for a header field. What the log holds is not trusted to be one line.
    static func mediaType(of record: EventRecord) -> [UInt8] {
        guard let type = record.attribute("datacontenttype") else { return Array("application/json".utf8) }
        let isLine = type.allSatisfy { (0x20...0x7E).contains($0) }
        return isLine ? Array(type) : Array("application/octet-stream".utf8)
    }

    fileprivate static let structuredType = Array("\(CloudEventsJSON.contentType)".utf8)
}

extension DeliveryContent {
    /// Several events in one body: a JSON array (CloudEvents JSON format 1.0.2, section 4, where they are CloudEvents).
    init(joining contents: [DeliveryContent]) {
        body = .array(contents.map(\.body))
        let isCloudEvents = contents.first?.contentType == EventFormat.structuredType
        contentType = Array((isCloudEvents ? "application/cloudevents-batch+json" : "application/json").utf8)
    }
}
