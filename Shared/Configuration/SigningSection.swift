import Yams

extension ConfigurationDecoder {
    /// How a subscription's requests are signed; it must be said, `none` too.
    func signing(_ section: Section) -> SigningConfiguration {
        let expected = "a mapping with scheme and secrets; scheme: none sends unsigned"
        let keys = ["scheme", "secrets", "api_key", "header", "prefix"]
        if problems.isDocument, section.optional("signing") == nil {
            return SigningConfiguration(scheme: .standardWebhooks, secrets: [])
        }
        guard let value = section.required("signing", expected: expected),
            let part = Section(value, keys: keys, problems: problems)
        else { return SigningConfiguration(scheme: .none, secrets: []) }
        let names = SigningConfiguration.Scheme.allCases.map(\.rawValue).joined(separator: ", ")
        let scheme = part.choice(
            part.required("scheme", expected: "one of \(names)"), SigningConfiguration.Scheme.self, default: .none)
        let secrets = problems.isDocument ? [] : part.list("secrets", of: "secret references")
        if problems.isDocument {
            if let value = part.optional("secrets") {
                problems.report(value, "secrets are no part of a subscription's document; they are kept apart from it")
            }
        } else if scheme == .none {
            if let superfluous = part.optional("secrets"), !secrets.isEmpty {
                problems.report(
                    superfluous, "scheme: none signs nothing; remove the secrets or choose standard-webhooks")
            }
        } else {
            part.requireElements("secrets", expected: "at least one secret to sign with")
        }
        refuse("api_key", in: part, unless: scheme == .stream, "scheme: stream")
        refuse("header", in: part, unless: scheme == .header, "scheme: header")
        refuse("prefix", in: part, unless: scheme == .header, "scheme: header")
        if scheme == .stream { _ = part.required("api_key", expected: "what goes into X-API-KEY") }
        return SigningConfiguration(
            scheme: scheme, secrets: secrets.compactMap { secret($0, part) },
            apiKey: headerText("api_key", part), header: headerName(part), prefix: headerText("prefix", part) ?? "")
    }

    private func refuse(_ key: String, in part: Section, unless isRight: Bool, _ scheme: String) {
        guard !isRight, let value = part.optional(key) else { return }
        problems.report(value, "\(key) belongs to \(scheme); remove it")
    }

    private func headerText(_ key: String, _ part: Section) -> String? {
        guard let value = part.optional(key), let text = part.text(value, expected: "text") else { return nil }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            problems.report(value, "expected printable ASCII characters, because it goes into a header field")
            return nil
        }
        return text
    }

    private func headerName(_ part: Section) -> String? {
        guard let value = part.optional("header"), let text = part.text(value, expected: "the name of a header field")
        else { return nil }
        let isToken = text.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "-_.".utf8.contains(byte)
        }
        guard !text.isEmpty, isToken, !Self.isReserved(text.lowercased()) else {
            problems.report(value, "\"\(text)\" is no field that may be set; use a name such as X-Token")
            return nil
        }
        return text.lowercased()
    }

    /// Fields that a delivery sets by itself, that frame it, or that are between two hops (RFC 9110, section 7.6.1), and
    /// those of other schemes. Some servers take `_` for `-`.
    private static func isReserved(_ name: String) -> Bool {
        let name = String(name.map { $0 == "_" ? "-" : $0 })
        return reservedNames.contains(name) || reservedPrefixes.contains { name.hasPrefix($0) }
    }

    private static let reservedNames: Set<String> = [
        "host", "user-agent", "date", "content-type", "content-length", "content-encoding", "content-range",
        "transfer-encoding", "traceparent", "connection", "keep-alive", "te", "trailer", "upgrade", "http2-settings",
        "expect",
        "accept-encoding", "range", "max-forwards", "via", "x-signature", "x-webhook-id", "x-webhook-attempt",
    ]
    private static let reservedPrefixes = ["webhook-", "ce-", "tributary-", "proxy-", "if-"]
}
