import Events
import NIOCore
import StageRuntime
import Wire

/// Writes the request head of a subscription's deliveries; what never changes is kept as bytes.
struct DeliveryHead {
    private let fixed: [UInt8]
    private let idPrefix: [UInt8]
    private let signer: StandardWebhooksSigner?

    /// `logID` makes the ids of two logs differ. An unsigned subscription has no signer.
    init(endpoint: EndpointURL, logID: JournalID, signer: StandardWebhooksSigner?) {
        fixed = Array(
            """
            POST \(endpoint.target) HTTP/1.1\r
            host: \(endpoint.hostHeader)\r
            user-agent: tributary/\(TributaryVersion.current)\r
            content-type: \(CloudEventsJSON.contentType)\r

            """.utf8)
        idPrefix = Array("evt_\(logID.description.prefix(16))_".utf8)
        self.signer = signer
    }

    /// The head of one attempt. `webhook-id` is `evt_<first half of the log id>_<position>`: the same for every
    /// attempt and every replay of an event, different for every other event.
    func write(position: UInt64, nowSeconds: Int64, body: ByteBuffer, to buffer: inout ByteBuffer) {
        buffer.writeBytes(fixed)
        buffer.writeStaticString("content-length: ")
        buffer.writeDecimal(UInt64(body.readableBytes))
        guard let signer else {
            buffer.writeStaticString("\r\nwebhook-id: ")
            buffer.writeBytes(idPrefix)
            buffer.writeDecimal(position)
            buffer.writeStaticString("\r\n\r\n")
            return
        }
        // What is signed is `id.timestamp.body`; its first part is built once and used twice.
        var signed = ByteBufferAllocator().buffer(capacity: 96)
        signed.writeBytes(idPrefix)
        signed.writeDecimal(position)
        let idLength = signed.readableBytes
        signed.writeStaticString(".")
        signed.writeDecimal(UInt64(max(0, nowSeconds)))
        let timestampEnd = signed.readableBytes
        signed.writeStaticString(".")
        buffer.writeStaticString("\r\nwebhook-id: ")
        buffer.writeImmutableBuffer(signed.getSlice(at: 0, length: idLength) ?? ByteBuffer())
        buffer.writeStaticString("\r\nwebhook-timestamp: ")
        buffer.writeImmutableBuffer(
            signed.getSlice(at: idLength + 1, length: timestampEnd - idLength - 1) ?? ByteBuffer())
        buffer.writeStaticString("\r\nwebhook-signature: ")
        var signatures = ByteWriter(reservingBytes: 64)
        signed.withUnsafeReadableBytes { prefix in
            body.withUnsafeReadableBytes { signer.sign(prefix, $0, to: &signatures) }
        }
        buffer.writeBytes(signatures.bytes)
        buffer.writeStaticString("\r\n\r\n")
    }
}

extension ByteBuffer {
    /// Appends a number in decimal digits.
    fileprivate mutating func writeDecimal(_ value: UInt64) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var rest = value
        var index = 20
        repeat {
            index -= 1
            digits[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        for place in index..<20 { writeInteger(digits[place]) }
    }
}
