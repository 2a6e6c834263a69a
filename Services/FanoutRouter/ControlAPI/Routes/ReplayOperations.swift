import EventDelivery
import EventLog
import JSON
import PipelineConfiguration

extension RouterAPI {
    var replayOperations: [APIOperation] { [createReplay, listReplays, oneReplay, cancelReplay, deleteReplay] }
    static let replaySchemas = ReplayView.schemas

    private static let replayList = "replays"
    private static let replayID = APIParameter.path(
        "id", .integer(in: 1...APISchema.mostPosition), "The replay's id.")

    private var createReplay: APIOperation {
        APIOperation(
            "createReplay", .post, "/v1/replays", scope: .replay,
            summary: "Delivers events to one subscription again: what was given up, or anything that is still kept.",
            description:
                "Of what is given everything must hold, of each list one element. `from` the log only what the "
                + "subscription's filter takes is meant, delivered before or not. Deliveries carry the same ids as "
                + "before and the header `tributary-replay`; their attempts are counted anew. With `dry_run` it is "
                + "only counted what would be sent.",
            body: .ref("ReplayRequest"),
            success: APIResult(202, "The replay runs; `Location` says where to look.", .ref("Replay")),
            alternatives: [APIResult(200, "The count of a dry run.", .ref("ReplayCount"))],
            problems: [.notFound, .limitReached]
        ) { request in
            let body = request.body
            let subscription = body["subscription"].text
            guard try stage.loops.lanes({ $0.settings.name }).contains(subscription) else {
                throw APIProblem(.notFound, "no subscription is named \(subscription)")
            }
            let selection = try ReplaySelection(body)
            try ReplayView.check(selection, isAll: body["all"] == .bool(true))
            // What was delivered a moment ago is meant too, and the runner goes by what the log knows.
            try stage.settle()
            let outcome = try stage.replays.create(
                selection, subscription: subscription, perSecond: Double(body["rate"].text),
                isDryRun: body["dry_run"] == .bool(true))
            switch outcome {
            case .counted(let count):
                return APIReply(200, .object(["count": .number(count), "dry_run": .bool(true)]))
            case .created(let job):
                return APIReply(202, ReplayView.shown.json(job), fields: [("location", "/v1/replays/\(job.id)")])
            }
        }
    }

    private var listReplays: APIOperation {
        APIOperation(
            "listReplays", .get, "/v1/replays", scope: .read, summary: "Lists replays, the newest first.",
            parameters: [.query("subscription", .string(), "Only replays to that subscription.")] + APIParameter.page,
            success: APIResult(200, "A page of replays.", .ref("ReplayPage"))
        ) { request in
            let (subscription, limit) = (request["subscription"], request.limit)
            let before = try request.numberCursor(Self.replayList)
            let jobs = try stage.reading.read {
                try $0.replays(subscription: subscription, before: before, limit: limit + 1)
            }
            let page = jobs.prefix(limit)
            let next = jobs.count > limit ? page.last?.id : nil
            return .page(
                "replays", page.map(ReplayView.shown.json), of: Self.replayList, next: next.map { [.number($0)] })
        }
    }

    private var oneReplay: APIOperation {
        APIOperation(
            "getReplay", .get, "/v1/replays/{id}", scope: .read, summary: "Says how far a replay has come.",
            parameters: [Self.replayID], success: APIResult(200, "The replay.", .ref("Replay")),
            problems: [.notFound]
        ) { request in
            APIReply(200, ReplayView.shown.json(try replay(request)))
        }
    }

    private var cancelReplay: APIOperation {
        APIOperation(
            "cancelReplay", .post, "/v1/replays/{id}/cancel", scope: .replay,
            summary: "Ends a replay: what it queued and nobody has begun is not sent.",
            description: "What was a dead letter before is one again.", parameters: [Self.replayID],
            success: APIResult(200, "The replay as it ended.", .ref("Replay")), problems: [.notFound, .conflict]
        ) { request in
            let job = try replay(request)
            guard job.state == .running || job.waiting > 0 else {
                throw APIProblem(.conflict, "replay \(job.id) is \(job.state.rawValue) already")
            }
            guard let ended = try stage.replays.cancel(job.id) else { throw Self.unknownReplay(job.id) }
            return APIReply(200, ReplayView.shown.json(ended))
        }
    }

    /// Never ends a replay on the way: whoever tidies up must not stop what still sends.
    private var deleteReplay: APIOperation {
        APIOperation(
            "deleteReplay", .delete, "/v1/replays/{id}", scope: .replay, summary: "Forgets a replay that has ended.",
            description:
                "One that still runs, or has deliveries that have not ended, is refused with `conflict`: cancel "
                + "it first, or wait. What it delivered stays delivered.",
            parameters: [Self.replayID], success: APIResult(204, "It is gone.", nil), problems: [.notFound, .conflict]
        ) { request in
            let job = try replay(request)
            guard try stage.writer.perform({ try $0.dropReplay(job.id) }) else {
                throw APIProblem(
                    .conflict,
                    "replay \(job.id) has not ended; cancel it with POST /v1/replays/\(job.id)/cancel, or wait")
            }
            return APIReply(204, nil)
        }
    }

    private func replay(_ request: APIRequest) throws -> ReplayJob {
        let id = try request.integer("id") ?? 0
        guard let job = try stage.reading.read({ try $0.replay(id: id) }) else { throw Self.unknownReplay(id) }
        return job
    }

    private static func unknownReplay(_ id: Int64) -> APIProblem {
        APIProblem(.notFound, "no replay has the id \(id), or it ended long ago")
    }
}
