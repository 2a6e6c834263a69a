import AWS
import JSON
import Primitives

/// Takes the webhook out of one message of a queue. Stream's SQS and SNS hooks send the same JSON as over HTTP, as it is or
/// as base64 of it, compressed with gzip or not (what is compressed is inflated by the verifier, as over HTTP); SNS wraps an
/// envelope around it unless raw delivery is on (getstream 7.0.0, `parse_sqs` and `parse_sns`). Other senders' bodies are
/// taken likewise.
extension FetchedWebhook {
    /// What attributes may have together; what is beyond it is left out, so that an envelope has room for the body.
    static let attributeBytes = 16 << 10
    private static let mostIDBytes = 255

    /// SNS' request to confirm that a subscription begins or ends is handed on whole: it is no webhook, so that it ends in
    /// quarantine, where somebody sees the URL in it.
    init(_ receipt: SQSReceipt) {
        // A webhook of its own has `type`, so a text that has one is no envelope whatever else it has.
        guard let envelope = JSONValue.read(Array(receipt.body.utf8)), envelope["type"] == .null,
            case .string(let message) = envelope["Message"],
            !["SubscriptionConfirmation", "UnsubscribeConfirmation"].contains(envelope["Type"].text)
        else {
            self.init(receipt.body, id: receipt.id, attributes: receipt.attributes)
            return
        }
        var attributes = receipt.attributes
        if case .object(let members) = envelope["MessageAttributes"] {
            for member in members { attributes[member.name] = member.value["Value"].text }
        }
        let id = envelope["MessageId"].text
        let isUsable = (1...Self.mostIDBytes).contains(id.utf8.count)
        self.init(message, id: isUsable ? id : receipt.id, attributes: attributes)
    }

    private init(_ text: String, id: String, attributes: [String: String]) {
        let bytes = Array(text.utf8)
        var left = Self.attributeBytes
        fields = attributes.sorted { $0.key < $1.key }.filter { name, value in
            left -= name.utf8.count + value.utf8.count
            return left >= 0
        }.map { Field(name: $0.key, value: $0.value) }
        if !fields.contains(where: { $0.name.lowercased() == "content-type" }) {
            fields.append(Field(name: "content-type", value: "application/json"))
        }
        self.id = id
        body = bytes.withUnsafeBytes { Base64.decode($0) } ?? bytes
    }
}
