import Events
import JSON
import Primitives
import Providers
import SimdJSON
import Wire

/// Makes of a custom event sent to a call what Stream's webhooks say of one: `custom` with `created_at` (received-at, in
/// integer nanoseconds), `call_cid` (from the path), `custom`, and `user`, whom the token names, else the body.
final class StreamCallsNormaliser: WebhookNormaliser {
    private let stream = ObjectNormaliser(StreamTypes.mapping, StreamProvider.credentials)

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
            "type": .string("custom"), "created_at": .number(webhook.accepted.receivedAtNanoseconds),
            "call_cid": .string(call), "custom": custom == .null ? .object([]) : custom.json,
            "user": user(body, head).json,
        ])
        return data.bytes.withUnsafeBytes {
            stream.normalise($0, translating: webhook, of: StreamCallsProvider.attribute, into: &writer)
        }
    }

    /// Whoever has a user's token sends as that user and says nothing else of it: `user` is for servers; the SDKs of
    /// clients send `custom` alone (GetStream/stream-video-js, `SendCallEventRequest`).
    private func user(_ body: JSONValue, _ head: RequestHead) -> JSONValue {
        var id = tokenUser(head)
        if id.isEmpty {
            if case .object = body["user"] { return body["user"] }
            if case .string(let text) = body["user_id"] { id = text }
        }
        return id.isEmpty ? .null : .object([JSONMember(name: "id", value: .string(id))])
    }

    /// Whom the token names, which the verifier has checked; empty where it is a server's.
    private func tokenUser(_ head: RequestHead) -> String {
        guard let parts = head.value("authorization")?.split(separator: UInt8(ascii: ".")), parts.count == 3,
            let claims = Base64.decode(UnsafeRawBufferPointer(rebasing: parts[1]), as: .urlUnpadded)
        else { return "" }
        return JSONValue.read(claims)?["user_id"].text ?? ""
    }
}
