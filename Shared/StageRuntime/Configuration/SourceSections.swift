import Yams

extension ConfigurationDecoder {
    /// The names of all sources, also of those that have something wrong; what refers to them is still right.
    func sourceNames(_ root: Section) -> [String] {
        var names: [String] = []
        for element in root.optional("sources")?.node.sequence ?? [] {
            guard let name = element.mapping?["name"]?.scalar?.string, !names.contains(name) else { continue }
            names.append(name)
        }
        return names
    }

    /// The list of sources; those with a report are left out.
    func decodeSources(_ root: Section) -> [SourceConfiguration] {
        var taken: [String: Int] = [:]
        return root.list("sources", of: "sources").compactMap { value in
            let keys = ["name", "provider", "secrets", "path_token"]
            guard let section = Section(value, keys: keys, problems: problems) else { return nil }
            let name = name(section, "source", taken: &taken)
            let provider = provider(section)
            let secrets = section.list("secrets", of: "secrets").compactMap { sourceSecret($0, provider: provider) }
            if let provider, KnownProviders.served.contains(provider) {
                section.requireElements("secrets", expected: "at least one secret, because \(provider) signs")
            }
            let pathToken = secret(section.optional("path_token"), section)
            guard let name, let provider else { return nil }
            return SourceConfiguration(name: name, provider: provider, secrets: secrets, pathToken: pathToken)
        }
    }

    private func provider(_ section: Section) -> String? {
        let expected = "one of \(KnownProviders.all.joined(separator: ", "))"
        guard let value = section.required("provider", expected: expected),
            let provider = section.text(value, expected: expected)
        else { return nil }
        guard KnownProviders.all.contains(provider) else {
            let hint = Suggestion.hint(for: provider, among: KnownProviders.all)
            problems.report(value, "unknown provider \"\(provider)\"; \(hint)")
            return nil
        }
        if !KnownProviders.served.contains(provider) {
            problems.report(
                value,
                "the provider \(provider) is not supported by this version, which serves "
                    + KnownProviders.served.joined(separator: " and "))
        }
        return provider
    }

    private func sourceSecret(_ value: Value, provider: String?) -> SourceSecret? {
        guard let section = Section(value, keys: ["id", "value"], problems: problems) else { return nil }
        let id = section.text(section.optional("id"), expected: "what the provider calls the secret")
        if let provider, KnownProviders.identifiedSecrets.contains(provider) {
            _ = section.required("id", expected: "the API key that \(provider) sends in X-API-KEY")
        }
        let reference = secret(section.required("value", expected: "env:NAME or file:PATH"), section)
        return reference.map { SourceSecret(id: id, value: $0) }
    }
}
