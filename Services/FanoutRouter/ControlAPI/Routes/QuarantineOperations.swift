import EventDelivery
import EventLog
import JSON
import PipelineConfiguration
import StageMetrics
import StageProcess
import Wire

extension RouterAPI {
    /// Bytes of heads and bodies in one answer; one webhook is given in any case.
    private static let contentBytes = 2 << 20
    /// Entries that one commit drops or marks.
    private static let entriesPerStep = 500
    private static let listName = "quarantine"

    var quarantineOperations: [APIOperation] {
        [
            listQuarantine, totalQuarantine, oneQuarantined, markManyReplayed, markOneReplayed, dropOneQuarantined,
            dropManyQuarantined,
        ]
    }

    static let quarantineSchemas = QuarantineView.schemas

    private var listQuarantine: APIOperation {
        APIOperation(
            "listQuarantine", .get, "/v1/quarantine", scope: .read, summary: "Lists webhooks that were refused.",
            description: "Oldest first, by when they came into quarantine. A page may hold fewer than `limit`, even "
                + "none, and still say where to go on.",
            parameters: QuarantineView.filters + [
                .query("order", .string(oneOf: ["asc", "desc"]), "`desc`: newest first."),
                .query(
                    "content", .boolean,
                    "With the request's head and body, as many as fit into 2 MiB; secrets of the head masked where "
                        + "the token lacks the scope `replay`."
                ),
            ] + APIParameter.page,
            success: APIResult(200, "A page of the quarantine.", .ref("QuarantinePage"))
        ) { request in
            let isDescending = request["order"] == "desc"
            let list = Self.listName + (isDescending ? "-desc" : "")
            var query = QuarantineQuery()
            query.filter = try QuarantineFilter(request)
            query.after = try request.numberCursor(list)
            query.isDescending = isDescending
            query.limit = request.limit
            let hasContent = request["content"] == "true"
            if hasContent { query.contentBytes = Self.contentBytes }
            let asked = query
            let page = try stage.reading.read { try $0.quarantined(asked) }
            let view = QuarantineView(content: hasContent ? content(for: request) : .left)
            return .page(
                "quarantine", page.webhooks.map(view.entry), of: list, next: page.next.map { [.number($0)] },
                ("newest", .number(page.newest)))
        }
    }

    private var totalQuarantine: APIOperation {
        APIOperation(
            "totalQuarantine", .get, "/v1/quarantine/totals", scope: .read,
            summary: "Counts the quarantine by source and code.", parameters: QuarantineView.filters,
            success: APIResult(200, "The totals.", .ref("QuarantineTotals"))
        ) { request in
            let filter = try QuarantineFilter(request)
            let totals = try stage.reading.read { try $0.quarantineTotals(filter) }
            return APIReply(200, .object(["totals": .array(totals.map(QuarantineView.total.json))]))
        }
    }

    private var oneQuarantined: APIOperation {
        APIOperation(
            "getQuarantined", .get, "/v1/quarantine/{id}", scope: .read,
            summary: "Gives a refused webhook with the head and body of its request.",
            description: "Secrets of the head are masked where the token lacks the scope `replay`.",
            parameters: [QuarantineView.id],
            success: APIResult(200, "The webhook.", .ref("QuarantinedWebhook")), problems: [.notFound]
        ) { request in
            let id = try QuarantineView.id(in: request)
            guard let webhook = try stage.reading.read({ try $0.quarantined(id: id) }) else {
                throw QuarantineView.unknown(id)
            }
            return APIReply(200, QuarantineView(content: content(for: request)).entry(webhook))
        }
    }

    private var markManyReplayed: APIOperation {
        APIOperation(
            "markQuarantineReplayed", .post, "/v1/quarantine/replayed", scope: .replay,
            summary: "Notes that refused webhooks were sent on their way again.",
            description: "Sending them is the ingress' part: `tributary quarantine replay` does both.",
            body: .object(
                [
                    "ids": .array(of: QuarantineView.idSchema, "Ids of the quarantine.", most: 10_000),
                    "tries": .array(
                        of: .integer(in: 0...APISchema.mostPosition),
                        "For each of `ids` its `tries` when it was sent: what was refused once more by now is not "
                            + "marked.", most: 10_000),
                ],
                required: ["ids"]),
            success: APIResult(
                200, "How many of them are in quarantine.",
                .whole(["replayed": .integer("How many were marked.")]))
        ) { request in
            let ids = request.body["ids"].elements.compactMap(\.integer)
            let tries = request.body["tries"].elements.compactMap(\.integer)
            guard tries.isEmpty || tries.count == ids.count else {
                throw APIProblem(.invalid, "tries must have as many elements as ids")
            }
            let marked = try markReplayed(ids, tries: tries.isEmpty ? nil : tries)
            return APIReply(200, .object(["replayed": .number(marked)]))
        }
    }

    private var markOneReplayed: APIOperation {
        APIOperation(
            "markQuarantinedReplayed", .post, "/v1/quarantine/{id}/replayed", scope: .replay,
            summary: "Notes that one refused webhook was sent on its way again.", parameters: [QuarantineView.id],
            success: APIResult(
                200, "It is marked.", .whole(["replayed": .boolean])),
            problems: [.notFound]
        ) { request in
            let id = try QuarantineView.id(in: request)
            guard try markReplayed([id]) == 1 else { throw QuarantineView.unknown(id) }
            return APIReply(200, .object(["replayed": .bool(true)]))
        }
    }

    private var dropOneQuarantined: APIOperation {
        APIOperation(
            "deleteQuarantined", .delete, "/v1/quarantine/{id}", scope: .replay,
            summary: "Deletes one refused webhook for good.", parameters: [QuarantineView.id],
            success: APIResult(200, "It is deleted.", .ref("QuarantineDeletion")), problems: [.notFound]
        ) { request in
            let id = try QuarantineView.id(in: request)
            guard try stage.writer.perform({ try $0.dropQuarantined([id]) }) == 1 else {
                throw QuarantineView.unknown(id)
            }
            return APIReply(200, .object(["deleted": .number(1), "next_cursor": .null]))
        }
    }

    private var dropManyQuarantined: APIOperation {
        APIOperation(
            "deleteQuarantine", .delete, "/v1/quarantine", scope: .replay,
            summary: "Deletes refused webhooks for good, a step at a time.",
            description: "Deletes at most 500 of those that match and says where to go on: repeat it with `cursor` "
                + "until `next_cursor` is null. Without any filter it must be asked for with `all=true`.",
            parameters: QuarantineView.filters + [
                .query("all", .boolean, "Everything is meant; needed where no filter is given."),
                .query("cursor", .string(length: 1...1024), "The `next_cursor` of the step before."),
            ], success: APIResult(200, "How many were deleted.", .ref("QuarantineDeletion"))
        ) { request in
            var query = QuarantineQuery()
            query.filter = try QuarantineFilter(request)
            query.after = try request.numberCursor(Self.listName)
            query.limit = Self.entriesPerStep
            guard request["all"] == "true" || query.filter != QuarantineFilter() else {
                throw APIProblem(.badRequest, "name what to delete by a filter, or say all=true")
            }
            let asked = query
            let page = try stage.reading.read { try $0.quarantined(asked) }
            let ids = page.webhooks.map(\.id)
            let dropped = ids.isEmpty ? 0 : try stage.writer.perform { try $0.dropQuarantined(ids) }
            return APIReply(
                200,
                .object([
                    "deleted": .number(dropped),
                    "next_cursor": APICursor.json(Self.listName, page.next.map { [.number($0)] }),
                ]))
        }
    }

    /// Whoever may send refused webhooks on their way again gets them whole.
    private func content(for request: APIRequest) -> QuarantineView.Content {
        request.scopes.contains(.replay)
            ? .whole : .masked(SecretFields(named: stage.configuration.current.tokenFields))
    }

    private func markReplayed(_ ids: [Int64], tries: [Int64]? = nil) throws -> Int {
        try stride(from: 0, to: ids.count, by: Self.entriesPerStep).reduce(0) { marked, start in
            let part = start..<min(ids.count, start + Self.entriesPerStep)
            let (step, tries) = (Array(ids[part]), tries.map { Array($0[part]) })
            return try marked
                + stage.writer.perform {
                    try $0.markReplayed(quarantineIDs: step, tries: tries, atNanoseconds: wallNanoseconds())
                }
        }
    }
}

extension QuarantineFilter {
    /// What the query of a request asks for.
    fileprivate init(_ request: APIRequest) throws(APIProblem) {
        self.init()
        source = request["source"]
        code = request["code"]
        stage = request["stage"]
        since = try request.instant("since")
        until = try request.instant("until")
        through = try request.integer("through")
        isReplayed = request["replayed"].map { $0 == "true" }
    }
}
