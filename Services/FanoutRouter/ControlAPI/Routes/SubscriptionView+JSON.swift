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
        let stored = subscription.stored
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
        members += [
            ("revision", .number(stored?.revision ?? 1)),
            ("created", .optional(stored) { .time($0.createdAtNanoseconds) }),
            ("updated", .optional(stored) { .time($0.updatedAtNanoseconds) }),
            ("state", .string(lane.word)), ("disabled_reason", .optional(lane.disabledReason) { .string($0) }),
            ("breaker", .string(lane.breaker)), ("concurrency_now", .number(lane.concurrency)),
            ("cursor", .number(lane.cursor)), ("backlog", .number(lane.backlog)), ("in_flight", .number(lane.inFlight)),
            ("retrying", .number(lane.retrying)), ("dead", .number(dead)),
        ]
        if let made { members.append(("generated_secret", .string(String(decoding: made, as: UTF8.self)))) }
        return .object(members)
    }

    private static func hidingQuery(_ url: String) -> String {
        url.firstIndex(of: "?").map { "\(url[..<$0])?\(SecretFields.mask)" } ?? url
    }

    private func signing(_ document: JSONValue) -> JSONText {
        var members = document.members(withNullFor: SigningConfiguration.table.optionalKeys.filter { $0 != "secrets" })
            .map { ($0.name, $0.value.json) }
        members.append(("secrets", .array(subscription.secrets.map(secret))))
        return .object(members)
    }

    private func secret(_ secret: StoredSecret) -> JSONText {
        .object([
            ("fingerprint", .string(SigningSecrets.fingerprint(secret.bytes))),
            ("public_key", .optional(publicKey(secret)) { .string($0) }),
            ("created", secret.createdAtNanoseconds == 0 ? .null : .time(secret.createdAtNanoseconds)),
            ("not_after", .optional(secret.notAfterNanoseconds) { .time($0) }),
        ])
    }

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
