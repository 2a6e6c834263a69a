import EventLog
import Events
import NIOCore
import PipelineConfiguration
import Wire

/// What one request carries: its body and the header fields that describe it.
struct DeliveryContent {
    var contentType: [UInt8]
    /// Whole lines with their line ends.
    var fields: [UInt8] = []
    var body: ByteBuffer
}

/// How events become the content of requests, by the format of the subscription.
enum EventFormat {
    /// One event of a rendered row. Structured CloudEvents share the row's memory.
    static func content(
        of position: UInt64, in batch: RenderedBatch, as format: SubscriptionFormat
    ) -> DeliveryContent? {
        if format == .cloudevents {
            return batch.body(at: position).map { structured($0, fields: batch.traceLine(at: position)) }
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
                case .cloudevents: structured(ByteBuffer(bytes: RenderedBatch.body(at: position, of: batch)))
                case .cloudeventsBinary: BinaryFormat.content(record, position: position)
                case .original: original(record)
                case .superviz: SuperVizFormat.content(record)
                }
            if let trace = record.attribute("traceparent") { content.fields += traceLine(trace) }
            return content
        }
    }

    /// The header line of a trace context; empty where there is none. What the log holds is not trusted to be one line.
    static func traceLine(_ trace: UnsafeRawBufferPointer) -> [UInt8] {
        guard TraceContext.isValid(trace) else { return [] }
        return Array("\(TraceContext.name): ".utf8) + Array(trace) + Array("\r\n".utf8)
    }

    /// Several events in one body: a JSON array.
    static func joined(_ bodies: [ByteBuffer], as format: SubscriptionFormat) -> DeliveryContent {
        var body = ByteBuffer()
        body.reserveCapacity(bodies.reduce(2) { $0 + $1.readableBytes + 1 })
        body.writeStaticString("[")
        for (index, each) in bodies.enumerated() {
            if index > 0 { body.writeStaticString(",") }
            body.writeImmutableBuffer(each)
        }
        body.writeStaticString("]")
        let contentType = format == .cloudevents ? "application/cloudevents-batch+json" : "application/json"
        return DeliveryContent(contentType: Array(contentType.utf8), body: body)
    }

    private static func structured(_ body: ByteBuffer, fields: [UInt8] = []) -> DeliveryContent {
        DeliveryContent(contentType: structuredType, fields: fields, body: body)
    }

    /// The provider's bytes, or, where the data is a part of them, that part; both without what was redacted.
    private static func original(_ record: EventRecord) -> DeliveryContent {
        if let original = record.original {
            return DeliveryContent(contentType: Array(original.contentType), body: ByteBuffer(bytes: original.bytes))
        }
        let contentType = record.attribute("datacontenttype").map { Array($0) } ?? Array("application/json".utf8)
        return DeliveryContent(contentType: contentType, body: record.payload.map { ByteBuffer(bytes: $0) } ?? .init())
    }

    private static let structuredType = Array("\(CloudEventsJSON.contentType)".utf8)
}
