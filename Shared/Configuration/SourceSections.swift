import Primitives
import Providers
import Yams

extension ConfigurationDecoder {
    private static let sourceKeys = [
        "name", "provider", "secrets", "path_token", "path_tokens", "verification", "allow_addresses", "mapping", "ids",
        "quota", "answer",
    ]

    /// The names of all sources, also of those that have something wrong; what refers to them is still right.
    func sourceNames(_ root: Section) -> [String] {
        var names: [String] = []
        for element in root.optional("sources")?.node.sequence ?? [] {
            guard let name = element.mapping?["name"]?.scalar?.string, !names.contains(name) else { continue }
            names.append(name)
        }
        return names
    }

    /// The list of sources; those with a report are left out. `publicURL`: that of the ingress, empty where there is none;
    /// `quota`: what a source may send that says nothing of it.
    func decodeSources(_ root: Section, publicURL: String, quota: QuotaConfiguration) -> [SourceConfiguration] {
        var taken: [String: Int] = [:]
        return root.list("sources", of: "sources").compactMap { value in
            guard let section = Section(value, keys: Self.sourceKeys, problems: problems) else { return nil }
            let name = name(section, "source", taken: &taken)
            let provider = provider(section)
            let choice = verificationChoice(section, provider: provider)
            let secrets = section.list("secrets", of: "secrets").compactMap(sourceSecret)
            let pathTokens = pathTokens(section)
            let addresses = section.list("allow_addresses", of: "addresses").compactMap { address($0, section) }
            let mapping = mapping(section, provider: provider)
            let own = section.optional("quota").map { _ in decodeQuota(section, "quota", default: quota) }
            let answer = answer(section)
            guard let provider else { return nil }
            checkVerification(section, provider, choice, publicURL: publicURL)
            guard let name else { return nil }
            return SourceConfiguration(
                name: name, provider: provider.name, verification: choice.scheme, secrets: secrets,
                pathTokens: pathTokens, addresses: addresses, mapping: mapping, quota: own,
                answer: answer ?? provider.answer)
        }
    }

    /// A network in CIDR notation or an address, or nil after a report.
    func address(_ value: Value, _ section: Section) -> String? {
        let expected = "a network such as 203.0.113.0/24 or 2001:db8::/32, or one address"
        guard let text = section.text(value, expected: expected) else { return nil }
        if IPNetwork(text) != nil { return text }
        problems.report(value, "expected \(expected), without bits beyond the prefix, found \"\(text)\"")
        return nil
    }

    private func provider(_ section: Section) -> (any Provider.Type)? {
        let names = ProviderRegistry.names
        let expected = "one of \(names.joined(separator: ", "))"
        guard let value = section.required("provider", expected: expected),
            let name = section.text(value, expected: expected)
        else { return nil }
        if let provider = ProviderRegistry.provider(named: name) { return provider }
        let isScheme = SchemePresets.names.contains(name)
        problems.report(
            value,
            "unknown provider \"\(name)\"; "
                + (isScheme
                    ? "it is known by its signature only: write provider: generic, verification: \(name)"
                    : Suggestion.hint(for: name, among: names)))
        return nil
    }

    private func sourceSecret(_ value: Value) -> ConfiguredSecret? {
        let keys = ["id", "value", "not_before", "not_after"]
        guard let section = Section(value, keys: keys, problems: problems) else { return nil }
        let id = section.text(section.optional("id"), expected: "a name for the secret")
        let validity = validity(section)
        let reference = secret(section.required("value", expected: "env:NAME or file:PATH"), section)
        return reference.map { ConfiguredSecret(id: id, value: $0, validity: validity) }
    }

    private func pathTokens(_ section: Section) -> [ConfiguredSecret] {
        let several = section.list("path_tokens", of: "tokens").compactMap(sourceSecret)
        if section.optional("path_tokens") != nil {
            section.requireElements("path_tokens", expected: "at least one token")
        }
        guard let value = section.optional("path_token") else { return several }
        if section.optional("path_tokens") != nil {
            problems.report(value, "path_tokens is there too; write all tokens there: path_tokens: [{ value: … }]")
        }
        guard let reference = secret(value, section) else { return several }
        return [ConfiguredSecret(id: nil, value: reference, validity: .always)] + several
    }

    private func validity(_ section: Section) -> KeyValidity {
        let bounds = ["not_before", "not_after"].map { key in section.optional(key).flatMap { time($0, section) } }
        if let first = bounds[0], let end = bounds[1], end <= first, let value = section.optional("not_after") {
            problems.report(value, "must be later than not_before, or the secret never counts")
        }
        return KeyValidity(notBeforeNanoseconds: bounds[0], notAfterNanoseconds: bounds[1])
    }

    private func time(_ value: Value, _ section: Section) -> Int64? {
        let expected = "a time such as 2026-12-01T00:00:00Z"
        guard let text = section.text(value, expected: expected) else { return nil }
        if let nanoseconds = RFC3339.nanoseconds(text) { return nanoseconds }
        problems.report(value, "expected \(expected), found \(value.kind)")
        return nil
    }
}
