import JSON
import Primitives

/// One event of the stream, as a subscriber would get it.
struct ListenedEvent: Sendable, Equatable {
    /// Where the stream goes on behind it.
    let token: String
    let webhookID: String
    let time: String
    let type: String
    let subject: String
    /// `content-type` and the fields of the format.
    let fields: [(name: String, value: String)]
    let body: [UInt8]

    /// Reads an `event` message of `tributary.v1`; nil where a member is missing. `bytes` of the event are kept as they came.
    init?(_ message: JSONValue) {
        let event = message["event"]
        guard case .object = event, !message["token"].text.isEmpty else { return nil }
        token = message["token"].text
        webhookID = message["webhook_id"].text
        time = event["time"].text
        type = event["type"].text
        subject = event["subject"].text
        guard case .object(let fields) = message["delivery"]["fields"] else {
            self.fields = [("content-type", "application/cloudevents+json; charset=utf-8")]
            body = event.json.bytes
            return
        }
        self.fields = fields.map { ($0.name, $0.value.text) }
        let encoded = message["delivery"]["body_base64"].text
        guard !encoded.isEmpty else {
            body = Array(message["delivery"]["body"].text.utf8)
            return
        }
        guard let decoded = Array(encoded.utf8).withUnsafeBytes({ Base64.decode($0) }) else { return nil }
        body = decoded
    }

    static func == (one: ListenedEvent, other: ListenedEvent) -> Bool {
        one.token == other.token && one.body == other.body && one.fields.elementsEqual(other.fields, by: ==)
    }
}
