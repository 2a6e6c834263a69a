import Executable
import Primitives
import StageMetrics
import Verification

/// A webhook, signed and ready to be sent.
struct SampleWebhook: Sendable {
    /// A UUID of its own; the id of its event where the provider's webhooks carry one.
    let id: String
    let type: String
    /// The ids of its events where they are known beforehand.
    let eventIDs: [String]
    let headers: [(name: String, value: String)]
    /// What belongs behind the question mark of its URL; may hold a token.
    let query: String
    let body: [UInt8]

    /// A webhook of the provider with an id of its own, created now. Throws where there is no sample of that type.
    static func make(
        _ choice: SampleChoice, type: String, headers: [(name: String, value: String)] = [], signer: WebhookSigner
    ) throws(StageFailure) -> SampleWebhook {
        let order = SampleOrder(
            type: type, id: randomID(), createdAtNanoseconds: wallNanoseconds(), batch: choice.batch)
        guard let body = choice.catalogue.body(order) else {
            throw StageFailure(.usage, "\(choice.catalogue.provider) has no sample of type \(type)")
        }
        return SampleWebhook(
            order, body, headers: headers, contentType: choice.catalogue.contentType, signer: signer)
    }

    /// A webhook with a body of the operator's.
    static func make(
        body: [UInt8], named name: String, headers: [(name: String, value: String)], contentType: String,
        signer: WebhookSigner
    ) -> SampleWebhook {
        let order = SampleOrder(type: name, id: randomID(), createdAtNanoseconds: wallNanoseconds(), batch: nil)
        return SampleWebhook(
            order, SampleBody(body, eventIDs: []), headers: headers, contentType: contentType, signer: signer)
    }

    /// `contentType` counts where neither `headers` nor the signature say one.
    private init(
        _ order: SampleOrder, _ body: SampleBody, headers: [(name: String, value: String)], contentType: String,
        signer: WebhookSigner
    ) {
        let signed = signer.sign(body.bytes, id: order.id, atNanoseconds: order.createdAtNanoseconds)
        id = order.id
        type = order.type
        eventIDs = body.eventIDs
        let fields = headers + signed.fields
        let isTyped = fields.contains { $0.name.lowercased() == "content-type" }
        self.headers = isTyped ? fields : fields + [("Content-Type", contentType)]
        query = signed.query
        self.body = body.bytes
    }

    /// A random UUID (version 4).
    static func randomID() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let groups = [bytes[0..<4], bytes[4..<6], bytes[6..<8], bytes[8..<10], bytes[10..<16]]
        return groups.map { $0.withUnsafeBytes { Hexadecimal.encode($0) } }.joined(separator: "-")
    }
}
