import DeliverySigning
import Executable
import NIOCore
import PipelineConfiguration
import Wire

/// Writes the request head of a subscription's deliveries; what never changes is kept as bytes. Belongs to one thread.
final class DeliveryHead {
    private let fixed: [UInt8]
    private let idPrefixBytes: Int
    /// The `webhook-id` that was written last.
    private var id: [UInt8]
    private let signer: DeliverySigner

    /// `logID` makes the ids of two logs differ.
    init(endpoint: EndpointURL, logID: JournalID, signer: DeliverySigner = DeliverySigner()) {
        fixed = Array(
            """
            POST \(endpoint.target) HTTP/1.1\r
            host: \(endpoint.hostHeader)\r
            user-agent: tributary/\(TributaryVersion.current)\r

            """.utf8)
        id = Array("evt_\(logID.description.prefix(16))_".utf8)
        idPrefixBytes = id.count
        self.signer = signer
    }

    /// The head of one attempt, counted from 1. `webhook-id` is `evt_<first half of the log id>_<position>`, or
    /// `…_<first>-<last>-<count>` of a batch: the same for every attempt and every replay of an event, different for
    /// every other event.
    func write(_ delivery: Delivery, _ content: DeliveryContent, to buffer: inout ByteBuffer) {
        buffer.writeBytes(fixed)
        buffer.writeBytes(content.fields)
        if !content.trace.isEmpty {
            buffer.writeStaticString("traceparent: ")
            buffer.writeBytes(content.trace)
            buffer.writeStaticString("\r\n")
        }
        switch delivery.mark {
        case .replay(let job): buffer.writeString("tributary-replay: \(job)\r\n")
        case .test: buffer.writeStaticString("tributary-test: true\r\n")
        case nil: break
        }
        buffer.writeStaticString("content-type: ")
        buffer.writeBytes(content.contentType)
        buffer.writeStaticString("\r\ncontent-length: ")
        buffer.writeString(String(content.body.readableBytes))
        buffer.writeStaticString("\r\n")
        id.removeLast(id.count - idPrefixBytes)
        id.append(contentsOf: delivery.name.text.utf8)
        content.body.withUnsafeReadableBytes { body in
            signer.sign(
                id: id, attempt: delivery.attempt, nowSeconds: delivery.startedSeconds, body: body
            ) { name, value in
                buffer.writeString(name)
                buffer.writeStaticString(": ")
                buffer.writeBytes(value)
                buffer.writeStaticString("\r\n")
            }
        }
        buffer.writeStaticString("\r\n")
    }
}
