import EventLog
import Foundation
import StageMetrics
import StageRuntime
import Wire

extension AdminRoutes {
    /// Bytes of heads and bodies in one answer; one webhook is given in any case.
    private static let contentBytes = 2 << 20
    /// Entries that one commit drops or marks.
    private static let entriesPerStep = 500

    /// `GET /quarantine`, `GET /quarantine/totals` and `GET /quarantine/{id}`.
    func quarantine(_ request: AdminRequest) throws -> AdminReply {
        switch Self.tail(request).first {
        case nil: return try quarantinePage(request)
        case "totals":
            let filter = try QuarantineFilter(request)
            let totals = try stage.reading.read { try $0.quarantineTotals(filter) }
            return .json(200, .object([("totals", .array(totals.map(Self.total)))]))
        case .some(let name):
            guard let id = Int64(name), let webhook = try stage.reading.read({ try $0.quarantined(id: id) }) else {
                return Self.unknown(name)
            }
            return .json(200, .object(Self.members(webhook) + Self.content(webhook)))
        }
    }

    /// Ascending by id, or descending with `order=desc`; with `content=true` with heads and bodies.
    private func quarantinePage(_ request: AdminRequest) throws -> AdminReply {
        var query = QuarantineQuery()
        query.filter = try QuarantineFilter(request)
        query.after = try request.integer("after")
        query.isDescending = try request.word("order", among: ["asc", "desc"]) == "desc"
        query.limit = Self.limit(request)
        let hasContent = try request.word("content", among: ["true", "false"]) == "true"
        if hasContent { query.contentBytes = Self.contentBytes }
        let asked = query
        let page = try stage.reading.read { try $0.quarantined(asked) }
        let entries = page.webhooks.map { webhook in
            JSONText.object(Self.members(webhook) + (hasContent ? Self.content(webhook) : []))
        }
        return .json(
            200,
            .object([
                ("quarantine", .array(entries)), ("next", .optional(page.next) { .number($0) }),
                ("newest", .number(page.newest)),
            ]))
    }

    /// `POST /quarantine/{id}/replayed` and `POST /quarantine/replayed` with `{"ids": […]}`: notes that webhooks were
    /// sent on their way again.
    func markQuarantined(_ request: AdminRequest) throws -> AdminReply {
        struct Body: Decodable {
            var ids: [Int64]
        }
        let parts = Self.tail(request)
        if parts == ["replayed"] {
            guard let body = try? JSONDecoder().decode(Body.self, from: Data(request.body)) else {
                return .error(400, "bad_request", "expected {\"ids\": […]}")
            }
            return .json(200, .object([("replayed", .number(try markReplayed(body.ids)))]))
        }
        guard parts.count == 2, parts[1] == "replayed", let id = Int64(parts[0]) else {
            return .error(404, "not_found", "expected /quarantine/{id}/replayed or /quarantine/replayed")
        }
        return try markReplayed([id]) == 1
            ? .json(200, .object([("replayed", .bool(true))])) : Self.unknown(parts[0])
    }

    private func markReplayed(_ ids: [Int64]) throws -> Int {
        try stride(from: 0, to: ids.count, by: Self.entriesPerStep).reduce(0) { marked, start in
            let step = Array(ids[start..<min(ids.count, start + Self.entriesPerStep)])
            return try marked
                + stage.writer.perform {
                    try $0.markReplayed(quarantineIDs: step, atNanoseconds: wallNanoseconds())
                }
        }
    }

    /// `DELETE /quarantine/{id}` and `DELETE /quarantine?…`, which drops one step of what matches and says where to go on;
    /// without any filter it must be asked for with `all=true`.
    func purgeQuarantine(_ request: AdminRequest) throws -> AdminReply {
        if let name = Self.tail(request).first {
            guard let id = Int64(name), try stage.writer.perform({ try $0.dropQuarantined([id]) }) == 1 else {
                return Self.unknown(name)
            }
            return .json(200, .object([("deleted", .number(1)), ("next", .null)]))
        }
        var query = QuarantineQuery()
        query.filter = try QuarantineFilter(request)
        query.after = try request.integer("after")
        query.limit = Self.entriesPerStep
        let all = try request.word("all", among: ["true", "false"]) == "true"
        guard all || query.filter != QuarantineFilter() else {
            return .error(400, "bad_request", "name what to drop, or all=true")
        }
        let asked = query
        let page = try stage.reading.read { try $0.quarantined(asked) }
        let ids = page.webhooks.map(\.id)
        let dropped = ids.isEmpty ? 0 : try stage.writer.perform { try $0.dropQuarantined(ids) }
        return .json(
            200, .object([("deleted", .number(dropped)), ("next", .optional(page.next) { .number($0) })]))
    }

    private static func unknown(_ name: String) -> AdminReply {
        .error(404, "not_found", "nothing in quarantine has the id \(name)")
    }

    private static func total(_ total: QuarantineTotal) -> JSONText {
        .object([
            ("source", .string(total.source)), ("code", .string(total.code)), ("webhooks", .number(total.webhooks)),
            ("bytes", .number(total.bytes)), ("replayed", .number(total.replayed)),
            ("first_received", time(total.firstReceivedNanoseconds)),
            ("last_received", time(total.lastReceivedNanoseconds)),
        ])
    }

    private static func members(_ webhook: QuarantinedWebhook) -> [(String, JSONText)] {
        [
            ("id", .number(webhook.id)), ("source", .string(webhook.source)), ("code", .string(webhook.code)),
            ("stage", .string(webhook.stage)), ("verified", .bool(webhook.isVerified)),
            ("elements", webhook.elements.isEmpty ? .null : .array(webhook.elements.map { .number($0) })),
            ("detail", .string(webhook.detail)), ("journal", .string("\(webhook.journal)")),
            ("sequence", .number(webhook.sequence)), ("received", time(webhook.receivedAtNanoseconds)),
            ("received_at_ns", .number(webhook.receivedAtNanoseconds)),
            ("quarantined", time(webhook.quarantinedAtNanoseconds)),
            ("replayed", .optional(webhook.replayedAtNanoseconds, time)),
        ]
    }

    private static func content(_ webhook: QuarantinedWebhook) -> [(String, JSONText)] {
        var head: [JSONText] = []
        webhook.head.withUnsafeBytes { bytes in
            RequestHead(bytes).forEachField { name, value in
                head.append(.array([name, value].map { .string(String(decoding: $0, as: UTF8.self)) }))
                return true
            }
        }
        let body = webhook.body.withUnsafeBytes { Base64.encode($0) }
        return [("head", .array(head)), ("body_base64", .string(body))]
    }
}

extension QuarantineFilter {
    /// What the query of a request asks for. Throws `BadParameter`.
    fileprivate init(_ request: AdminRequest) throws(BadParameter) {
        self.init()
        source = request.query["source"]
        code = request.query["code"]
        stage = request.query["stage"]
        since = try request.instant("since")
        until = try request.instant("until")
        through = try request.integer("through")
        isReplayed = try request.word("replayed", among: ["true", "false"]).map { $0 == "true" }
    }
}
