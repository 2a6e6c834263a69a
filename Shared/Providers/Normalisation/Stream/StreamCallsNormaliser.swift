import Events
import JSON
import Primitives
import Providers
import SimdJSON
import Wire

/// Makes of a custom event sent to a call what Stream's webhooks say of one: `custom` with `created_at` (received-at, in
/// integer nanoseconds), `call_cid` (from the path), `custom`, and `user`, whom the body names, else the token.
final class StreamCallsNormaliser: WebhookNormaliser {
    private let stream = StreamNormaliser()

    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        let head = webhook.accepted.head
        guard let body = JSONValue.read(Array(webhook.body)) else { return .refused(.normaliser(.bodyNotJSON)) }
        guard case .object = body else { return .refused(.normaliser(.bodyNotObject)) }
        guard let path = head.value(":path").flatMap(StreamCallsProvider.path.values) else {
            let detail = "the path names no call; commands take it from the request line of --headers-file"
            return .refused(Rejection(.envelopeDamaged, stage: .normaliser, detail: detail))
        }
        let custom = body["custom"]
        if custom != .null {
            guard case .object = custom else {
                let detail = "`custom` is no object"
                return .refused(Rejection(.attributeInvalid, stage: .normaliser, detail: detail))
            }
        }
        let call = path.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ":")
        let data = JSONText.object([
            ("type", .string("custom")), ("created_at", .number(webhook.accepted.receivedAtNanoseconds)),
            ("call_cid", .string(call)), ("custom", custom == .null ? .object([]) : custom.json),
            ("user", user(body, head).json),
        ])
        return data.bytes.withUnsafeBytes { stream.normalise($0, translating: webhook, into: &writer) }
    }

    private func user(_ body: JSONValue, _ head: RequestHead) -> JSONValue {
        if case .object = body["user"] { return body["user"] }
        var id = ""
        if case .string(let text) = body["user_id"] { id = text }
        if id.isEmpty, let token = head.value("authorization") {
            let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            let claims =
                parts.count == 3 ? Base64.decode(UnsafeRawBufferPointer(rebasing: parts[1]), as: .urlUnpadded) : nil
            id = claims.flatMap(JSONValue.read)?["user_id"].text ?? ""
        }
        return id.isEmpty ? .null : .object([JSONMember(name: "id", value: .string(id))])
    }
}
