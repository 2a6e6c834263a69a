import Executable
import NIOCore
import PipelineConfiguration
import Wire

/// What makes a delivery the same over attempts and restarts.
enum DeliveryName {
    case event(UInt64)
    /// The positions of its first and last event and their number: another content has another name.
    case batch(first: UInt64, last: UInt64, count: Int)
    /// A test request, which has no event; a number of its own.
    case test(UInt64)

    fileprivate var bytes: [UInt8] {
        switch self {
        case .event(let position): Array(String(position).utf8)
        case .batch(let first, let last, let count): Array("\(first)-\(last)-\(count)".utf8)
        case .test(let number): Array("test-\(number)".utf8)
        }
    }
}

/// What sets a request apart from an everyday delivery, told in a header field.
enum DeliveryMark {
    /// An operator's job asked for it: `tributary-replay: <job>`.
    case replay(Int64)
    /// `tributary-test: true`.
    case test
}

/// Writes the request head of a subscription's deliveries; what never changes is kept as bytes.
struct DeliveryHead {
    private let fixed: [UInt8]
    private let idPrefix: [UInt8]
    private let signer: DeliverySigner

    /// `logID` makes the ids of two logs differ.
    init(endpoint: EndpointURL, logID: JournalID, signer: DeliverySigner = .none) {
        fixed = Array(
            """
            POST \(endpoint.target) HTTP/1.1\r
            host: \(endpoint.hostHeader)\r
            user-agent: tributary/\(TributaryVersion.current)\r

            """.utf8)
        idPrefix = Array("evt_\(logID.description.prefix(16))_".utf8)
        self.signer = signer
    }

    /// The head of one attempt, counted from 1. `webhook-id` is `evt_<first half of the log id>_<position>`, or
    /// `…_<first>-<last>-<count>` of a batch: the same for every attempt and every replay of an event, different for
    /// every other event.
    func write(
        _ name: DeliveryName, mark: DeliveryMark? = nil, attempt: Int, nowSeconds: Int64, content: DeliveryContent,
        to buffer: inout ByteBuffer
    ) {
        buffer.writeBytes(fixed)
        buffer.writeBytes(content.fields)
        switch mark {
        case .replay(let job): buffer.writeString("tributary-replay: \(job)\r\n")
        case .test: buffer.writeStaticString("tributary-test: true\r\n")
        case nil: break
        }
        buffer.writeStaticString("content-type: ")
        buffer.writeBytes(content.contentType)
        buffer.writeStaticString("\r\ncontent-length: ")
        buffer.writeString(String(content.body.readableBytes))
        buffer.writeStaticString("\r\n")
        signer.write(
            id: idPrefix + name.bytes, attempt: attempt, nowSeconds: nowSeconds, body: content.body, to: &buffer)
        buffer.writeStaticString("\r\n")
    }
}
