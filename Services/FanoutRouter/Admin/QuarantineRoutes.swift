import EventLog
import Metrics
import StageRuntime
import Wire

extension AdminRoutes {
    /// `GET /quarantine` and `GET /quarantine/{id}`.
    func quarantine(_ request: AdminRequest) throws -> AdminReply {
        if let name = Self.tail(request).first {
            guard let id = Int64(name), let webhook = try stage.reading.read({ try $0.quarantined(id: id) }) else {
                return .error(404, "not_found", "nothing in quarantine has the id \(name)")
            }
            return .json(200, Self.whole(webhook))
        }
        let (source, code, limit) = (request.query["source"], request.query["code"], Self.limit(request))
        let webhooks = try stage.reading.read { try $0.quarantined(source: source, code: code, limit: limit) }
        return .json(200, .object([("quarantine", .array(webhooks.map { .object(Self.members($0)) }))]))
    }

    /// `POST /quarantine/{id}/replayed`: notes that the webhook was sent on its way again.
    func markQuarantined(_ request: AdminRequest) throws -> AdminReply {
        let parts = Self.tail(request)
        guard parts.count == 2, parts[1] == "replayed", let id = Int64(parts[0]) else {
            return .error(404, "not_found", "expected /quarantine/{id}/replayed")
        }
        let isMarked = try stage.writer.perform {
            try $0.markReplayed(quarantineID: id, atNanoseconds: wallNanoseconds())
        }
        return isMarked
            ? .json(200, .object([("replayed", .bool(true))]))
            : .error(404, "not_found", "nothing in quarantine has the id \(id)")
    }

    private static func members(_ webhook: QuarantinedWebhook) -> [(String, JSONText)] {
        [
            ("id", .number(webhook.id)), ("source", .string(webhook.source)), ("code", .string(webhook.code)),
            ("stage", .string(webhook.stage)), ("element", .optional(webhook.element) { .number($0) }),
            ("detail", .string(webhook.detail)), ("journal", .string("\(webhook.journal)")),
            ("sequence", .number(webhook.sequence)), ("received", time(webhook.receivedAtNanoseconds)),
            ("received_at_ns", .number(webhook.receivedAtNanoseconds)),
            ("quarantined", time(webhook.quarantinedAtNanoseconds)),
            ("replayed", .optional(webhook.replayedAtNanoseconds, time)),
        ]
    }

    private static func whole(_ webhook: QuarantinedWebhook) -> JSONText {
        var head: [JSONText] = []
        webhook.head.withUnsafeBytes { bytes in
            RequestHead(bytes).forEachField { name, value in
                head.append(.array([name, value].map { .string(String(decoding: $0, as: UTF8.self)) }))
                return true
            }
        }
        let body = webhook.body.withUnsafeBytes { Base64.encode($0) }
        return .object(
            members(webhook) + [
                ("head", .array(head)), ("body_base64", .string(body)),
            ])
    }
}
