import EventDelivery
import JSON

extension RouterAPI {
    /// What makes, shows, changes and ends subscriptions.
    var subscriptionOperations: [APIOperation] {
        [
            listSubscriptions, createSubscription, oneSubscription, changeSubscription, deleteSubscription,
            pauseSubscription, resumeSubscription, testSubscription, rotateSecret,
        ]
    }

    private static let nameParameter = APIParameter.path("name", .subscriptionName, "The subscription's name.")

    private var listSubscriptions: APIOperation {
        APIOperation(
            "listSubscriptions", .get, "/v1/subscriptions", scope: .read,
            summary: "Lists the subscriptions by name, with what each is doing.", parameters: APIParameter.page,
            success: APIResult(200, "A page of subscriptions.", .ref("SubscriptionPage"))
        ) { request in
            let after = try request.cursor("subscriptions")?.first?.text ?? ""
            let rest = stage.subscriptions.subscriptions.filter { $0.name > after }
            let page = Array(rest.prefix(request.limit))
            let hidesQuery = !request.scopes.contains(.write)
            let last = rest.count > page.count ? page.last : nil
            return .page(
                "subscriptions", try stage.subscriptions.views(page).map { $0.json(hidesQuery: hidesQuery) },
                of: "subscriptions", next: last.map { [.string($0.name)] })
        }
    }

    private var createSubscription: APIOperation {
        APIOperation(
            "createSubscription", .post, "/v1/subscriptions", scope: .write,
            summary: "Makes a subscription; it delivers at once.",
            description:
                "Without `signing` deliveries are signed after Standard Webhooks with a secret that the router "
                + "makes. `generated_secret` gives it back, this once. Secrets are literal texts: references such as "
                + "`env:NAME` are for the configuration. The `webhook_url` of a room of Fishjam's is a subscription with a "
                + "filter of the room's subjects and the format `original`, as in the example.",
            body: .ref("NewSubscription"), success: APIResult(201, "The subscription.", .ref("Subscription")),
            problems: [.conflict, .limitReached, .invalid]
        ) { request in
            let created = try stage.subscriptions.create(request.body)
            let view = try stage.subscriptions.view(created.subscription)
            return APIReply(
                201, view.json(made: created.madeSecret),
                fields: [("location", "/v1/subscriptions/\(created.subscription.name)")])
        }
    }

    private var oneSubscription: APIOperation {
        APIOperation(
            "getSubscription", .get, "/v1/subscriptions/{name}", scope: .read,
            summary: "Gets one subscription with what it is doing.", parameters: [Self.nameParameter],
            success: APIResult(200, "The subscription.", .ref("Subscription")), problems: [.notFound, .conflict]
        ) { request in
            let store = stage.subscriptions
            let view = try store.view(try store.subscription(request["name"] ?? ""))
            return APIReply(200, view.json(hidesQuery: !request.scopes.contains(.write)))
        }
    }

    private var changeSubscription: APIOperation {
        APIOperation(
            "changeSubscription", .patch, "/v1/subscriptions/{name}", scope: .write,
            summary: "Changes a subscription; it keeps its place and drops nothing.",
            description: "A merge patch (RFC 7396): objects are merged, null takes a member away, so that its default "
                + "counts. Attempts under way end as they began. Another filter counts for events that were not looked "
                + "at yet.",
            parameters: [Self.nameParameter], body: .ref("SubscriptionPatch"),
            success: APIResult(200, "The subscription.", .ref("Subscription")),
            problems: [.notFound, .conflict, .invalid]
        ) { request in
            let changed = try stage.subscriptions.update(request["name"] ?? "", request.body)
            return APIReply(200, try stage.subscriptions.view(changed.subscription).json(made: changed.madeSecret))
        }
    }

    private var deleteSubscription: APIOperation {
        APIOperation(
            "deleteSubscription", .delete, "/v1/subscriptions/{name}", scope: .write,
            summary: "Ends a subscription and drops its place, dead letters and attempts.",
            parameters: [Self.nameParameter], success: APIResult(204, "It is gone.", nil),
            problems: [.notFound, .conflict]
        ) { request in
            try stage.subscriptions.delete(request["name"] ?? "")
            return APIReply(204, nil)
        }
    }

    private var pauseSubscription: APIOperation {
        APIOperation(
            "pauseSubscription", .post, "/v1/subscriptions/{name}/pause", scope: .write,
            summary: "Stops deliveries; the subscription keeps its place.", parameters: [Self.nameParameter],
            success: APIResult(200, "The subscription.", .ref("Subscription")), problems: [.notFound, .conflict]
        ) { request in
            let paused = try stage.subscriptions.pause(request["name"] ?? "")
            return APIReply(200, try stage.subscriptions.view(paused).json())
        }
    }

    private var resumeSubscription: APIOperation {
        APIOperation(
            "resumeSubscription", .post, "/v1/subscriptions/{name}/resume", scope: .write,
            summary: "Goes on where a paused or disabled subscription stopped.", parameters: [Self.nameParameter],
            success: APIResult(200, "The subscription.", .ref("Subscription")), problems: [.notFound, .conflict]
        ) { request in
            let resumed = try stage.subscriptions.resume(request["name"] ?? "")
            return APIReply(200, try stage.subscriptions.view(resumed).json())
        }
    }

    private var testSubscription: APIOperation {
        APIOperation(
            "testSubscription", .post, "/v1/subscriptions/{name}/test", scope: .write,
            summary: "Sends one signed test request and answers what came of it.",
            description: "It carries the header field `tributary-test: true` and an event of the type "
                + "`\(ProbeEvent.type)`, which is in no log. It is not tried again.",
            parameters: [Self.nameParameter], success: APIResult(200, "The attempt.", .ref("Attempt")),
            problems: [.notFound, .conflict]
        ) { request in
            let name = request["name"] ?? ""
            return APIReply(200, AttemptView.shown.json((name, try stage.subscriptions.probe(name))))
        }
    }

    private var rotateSecret: APIOperation {
        APIOperation(
            "rotateSecret", .post, "/v1/subscriptions/{name}/rotate-secret", scope: .write,
            summary: "Signs with a new secret; the former ones sign beside it for a while.",
            description:
                "Without `secret` the router makes one, with standard-webhooks only; `generated_secret` gives it "
                + "back, this once. With the schemes stream and header the new secret counts at once.",
            parameters: [Self.nameParameter], body: .ref("SecretRotation"),
            success: APIResult(200, "What signs now.", .ref("RotatedSecret")),
            problems: [.notFound, .conflict, .limitReached, .invalid]
        ) { request in
            let rotated = try stage.subscriptions.rotateSecret(request["name"] ?? "", request.body)
            return APIReply(
                200,
                .object([
                    "generated_secret": .optional(rotated.made) { .string(String(decoding: $0, as: UTF8.self)) },
                    "fingerprint": .string(rotated.fingerprint),
                    "keep_old_until": .optional(rotated.oldUntilNanoseconds) { .time($0) },
                ]))
        }
    }
}
