import EventDelivery
import EventLog
import JSON
import PipelineConfiguration
import Wire

extension SubscriptionView {
    /// A subscription as the API shows it; never with a secret.
    ///
    /// `made`: the secret that the router made with this very request. `hidesQuery`: for whoever may not change the
    /// subscription; receivers that know no signatures are often given a token in their URL.
    func json(made: [UInt8]? = nil, hidesQuery: Bool = false) -> JSONText {
        var members: [(String, JSONText)] = [("origin", .string(subscription.origin.rawValue))]
        let document = SubscriptionDocument.value(subscription.configuration)
        for member in document.members(withNullFor: SubscriptionConfiguration.table.optionalKeys) {
            switch member.name {
            case _ where member.value == .null: members.append((member.name, .null))
            case "signing": members.append((member.name, signing(member.value)))
            case "url" where hidesQuery: members.append((member.name, .string(Self.hidingQuery(member.value.text))))
            default: members.append((member.name, member.value.json))
            }
        }
        members += Self.standing.values(self)
        if let made { members.append(("generated_secret", .string(String(decoding: made, as: UTF8.self)))) }
        return .object(members)
    }

    private static func hidingQuery(_ url: String) -> String {
        url.firstIndex(of: "?").map { "\(url[..<$0])?\(SecretFields.mask)" } ?? url
    }

    private func signing(_ document: JSONValue) -> JSONText {
        var members = document.members(withNullFor: SigningConfiguration.table.optionalKeys.filter { $0 != "secrets" })
            .map { ($0.name, $0.value.json) }
        members.append(("secrets", .array(subscription.secrets.map { Self.secret.json(($0, publicKey($0))) })))
        return .object(members)
    }

    /// Its changes, and what it is doing.
    static let standing = ShownObject<SubscriptionView>([
        .init("revision", .integer("Counts the changes, from 1.", in: 1...APISchema.mostPosition)) {
            .number($0.subscription.stored?.revision ?? 1)
        },
        .init("created", .time("Null of a configured subscription.").orNull) {
            .optional($0.subscription.stored) { .time($0.createdAtNanoseconds) }
        },
        .init("updated", .time("Null of a configured subscription.").orNull) {
            .optional($0.subscription.stored) { .time($0.updatedAtNanoseconds) }
        },
        .init("state", .string(oneOf: LaneState.words)) { .string($0.lane.word) },
        .init("disabled_reason", .string("Why the router disabled it.").orNull) {
            .optional($0.lane.disabledReason) { .string($0) }
        },
        .init("breaker", .string("The circuit breaker.", oneOf: CircuitBreaker.State.words)) {
            .string($0.lane.breaker)
        },
        .init("concurrency_now", .integer("How many requests the subscriber bears at present.")) {
            .number($0.lane.concurrency)
        },
        .init("cursor", .integer("The last position that was taken up.", in: 0...APISchema.mostPosition)) {
            .number($0.lane.cursor)
        },
        .init("backlog", .integer("Events that are not finished.")) { .number($0.lane.backlog) },
        .init("in_flight", .integer("Requests under way.")) { .number($0.lane.inFlight) },
        .init("retrying", .integer("Deliveries that wait for their next attempt.")) { .number($0.lane.retrying) },
        .init("dead", .integer("Events among the dead letters.")) { .number($0.dead) },
    ])

    static let secret = ShownObject<(stored: StoredSecret, publicKey: String?)>([
        .init("fingerprint", SubscriptionSchemas.fingerprint) {
            .string(SigningSecrets.fingerprint($0.stored.bytes))
        },
        .init("public_key", .string("Of an Ed25519 key: whpk_ and base64, to verify v1a with.").orNull) {
            .optional($0.publicKey) { .string($0) }
        },
        .init("created", .time().orNull) {
            $0.stored.createdAtNanoseconds == 0 ? .null : .time($0.stored.createdAtNanoseconds)
        },
        .init("not_after", .time("Until then it signs beside a newer one.").orNull) {
            .optional($0.stored.notAfterNanoseconds) { .time($0) }
        },
    ])

    private func publicKey(_ secret: StoredSecret) -> String? {
        guard subscription.configuration.signing.scheme == .standardWebhooks else { return nil }
        return SigningSecrets.publicKey(secret.bytes)
    }
}

extension JSONValue {
    /// The members of an object, and null for each of these names that it lacks.
    fileprivate func members(withNullFor names: [String]) -> [JSONMember] {
        guard case .object(let members) = self else { return [] }
        return members + names.filter { !has($0) }.map { JSONMember(name: $0, value: .null) }
    }
}
