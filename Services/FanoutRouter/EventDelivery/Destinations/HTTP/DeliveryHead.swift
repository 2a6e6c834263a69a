import DeliverySigning
import EventLog
import Executable
import NIOCore
import PipelineConfiguration
import Wire

/// Writes the request head of a subscription's deliveries; what never changes is kept as bytes. Belongs to one thread.
final class DeliveryHead {
    private let fixed: [UInt8]
    private let lineage: LogLineage
    /// The `webhook-id` that was written last, the length of its part that names a log, and that log.
    private var id: [UInt8] = []
    private var idPrefixBytes = 0
    private var logID: JournalID?
    private let signer: DeliverySigner
    /// The head that is being written; its memory is used again.
    private var head = ByteWriter(reservingBytes: 1024)

    init(endpoint: EndpointURL, lineage: LogLineage, signer: DeliverySigner = DeliverySigner()) {
        fixed = Array(
            """
            POST \(endpoint.target) HTTP/1.1\r
            host: \(endpoint.hostHeader)\r
            user-agent: tributary/\(TributaryVersion.current)\r

            """.utf8)
        self.lineage = lineage
        self.signer = signer
    }

    /// The head of one attempt, counted from 1. `webhook-id` is `evt_<first half of the log id>_<position>`, or
    /// `…_<first>-<last>-<count>` of a batch: the same for every attempt and every replay of an event, different for
    /// every other event.
    func write(_ delivery: Delivery, _ content: DeliveryContent, to buffer: inout ByteBuffer) {
        head.bytes.removeAll(keepingCapacity: true)
        head.raw(fixed)
        head.raw(content.fields)
        if !content.trace.isEmpty { field("traceparent", content.trace) }
        switch delivery.mark {
        case .replay(let job): field("tributary-replay", Array(String(job).utf8))
        case .test: field("tributary-test", Array("true".utf8))
        case nil: break
        }
        field("content-type", content.contentType)
        text("content-length: ")
        text(String(content.body.count))
        text("\r\n")
        writeID(delivery.name)
        signer.sign(
            id: id, attempt: delivery.attempt, nowSeconds: delivery.startedSeconds, body: content.body.forEachPart,
            each: field)
        text("\r\n")
        buffer.writeBytes(head.bytes)
    }

    private func writeID(_ name: DeliveryName) {
        let log = name.lastPosition.map(lineage.id) ?? lineage.current
        if log != logID {
            logID = log
            id = Array("evt_\(log.description.prefix(16))_".utf8)
            idPrefixBytes = id.count
        }
        id.removeLast(id.count - idPrefixBytes)
        id.append(contentsOf: name.text.utf8)
    }

    private func field(_ name: String, _ value: [UInt8]) {
        text(name)
        text(": ")
        head.raw(value)
        text("\r\n")
    }

    private func text(_ text: String) {
        var text = text
        text.withUTF8 { head.raw(UnsafeRawBufferPointer($0)) }
    }
}
