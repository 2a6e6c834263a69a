import Executable
import JSON
import Providers

extension Differences {
    private static let readers = [Stage.ingressGateway, .verifier, .normaliser]

    /// Sources by their names. A new place in the list is no difference.
    mutating func sources(_ old: [SourceConfiguration], _ new: [SourceConfiguration]) {
        let before = Dictionary(old.map { ($0.name, $0) }) { first, _ in first }
        let after = Set(new.map(\.name))
        for source in old where !after.contains(source.name) {
            add("source \(source.name) removed", Stage.allCases, .inPlace)
        }
        for source in new {
            guard let former = before[source.name] else {
                add("source \(source.name) added", Stage.allCases, .inPlace)
                continue
            }
            if former.provider != source.provider {
                add("source \(source.name): provider: \(former.provider) → \(source.provider)", Self.readers, .inPlace)
            }
            if former.scheme != source.scheme {
                let names = [former.schemeText, source.schemeText]
                let words = names[0] == names[1] ? "verification changed" : "verification: \(names[0]) → \(names[1])"
                add("source \(source.name): \(words)", [.verifier], .inPlace)
            }
            if former.secrets.map(\.text) != source.secrets.map(\.text) {
                add("source \(source.name): secrets changed", [.verifier], .inPlace)
            }
            if former.pathTokens.map(\.text) != source.pathTokens.map(\.text) {
                add("source \(source.name): path tokens changed", [.verifier], .inPlace)
            }
            compare(
                "source \(source.name): allow_addresses", former.addresses.joined(separator: ", "),
                source.addresses.joined(separator: ", "), [.verifier], .inPlace)
            compare(
                "source \(source.name): quota", former.quota?.text ?? "", source.quota?.text ?? "",
                [.ingressGateway], .inPlace)
            if former.answer != source.answer {
                add("source \(source.name): answer changed", [.ingressGateway], .inPlace)
            }
            if former.mapping != source.mapping {
                add("source \(source.name): mapping changed", [.normaliser], .inPlace)
            }
        }
    }

    /// Subscriptions by their names. A new place in the list is no difference.
    mutating func subscriptions(_ old: [SubscriptionConfiguration], _ new: [SubscriptionConfiguration]) {
        let ours = [Stage.fanoutRouter]
        let before = Dictionary(old.map { ($0.name, $0) }) { first, _ in first }
        let after = Set(new.map(\.name))
        for subscription in old where !after.contains(subscription.name) {
            add("subscription \(subscription.name) removed", ours, .inPlace)
        }
        for subscription in new {
            guard let former = before[subscription.name] else {
                add("subscription \(subscription.name) added", ours, .inPlace)
                continue
            }
            for words in Self.differences(former, subscription) {
                add("subscription \(subscription.name): \(words)", ours, .inPlace)
            }
        }
    }

    /// Short values are shown, others only named.
    private static func differences(
        _ old: SubscriptionConfiguration, _ new: SubscriptionConfiguration
    ) -> [String] {
        let documents = [old, new].map { JSONValue.read(SubscriptionDocument.json($0).bytes) ?? .null }
        var words: [String] = []
        for key in ConfigurationDecoder.subscriptionKeys {
            let (before, after) = (documents[0][key], documents[1][key])
            if key == "signing" {
                let isSame = before == after && old.signing.secrets.map(\.place) == new.signing.secrets.map(\.place)
                if !isSame { words.append(before == after ? "secrets changed" : "signing changed") }
            } else if key == "tls" {
                if old.tls.places != new.tls.places { words.append("tls changed") }
            } else if before != after {
                let isShort = [before, after].allSatisfy { $0 == .null || !$0.text.isEmpty }
                func shown(_ value: JSONValue) -> String { value == .null ? "none" : value.text }
                words.append(isShort ? "\(key): \(shown(before)) → \(shown(after))" : "\(key) changed")
            }
        }
        return words
    }
}

extension ConfiguredSecret {
    /// All that counts, for comparing; never shown.
    fileprivate var text: String {
        "\(id ?? "") \(value.place) \(validity.notBeforeNanoseconds ?? 0) \(validity.notAfterNanoseconds ?? 0)"
    }
}

extension SubscriberTLS? {
    fileprivate var places: [SecretReference.Place?] {
        map { [$0.ca, $0.certificate, $0.key].map { $0?.place } } ?? []
    }
}
