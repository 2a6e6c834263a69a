import Executable
import Primitives
import Providers
import Yams

extension ConfigurationDecoder {
    /// The router with defaults for everything that is left out.
    func decodeRouter(_ root: Section) -> RouterConfiguration {
        let keys = [
            "listen", "tls", "insecure", "api_tokens", "public_url", "egress_allow", "egress_proxy", "allow_http",
            "event_log_budget_bytes", "retention", "dedupe_window", "dedupe_ids", "max_unfinished", "quarantine",
            "metrics_listen",
        ]
        let section = part(root, "router", keys: keys)
        let listen = address(section, "listen")
        let tls = listenerTLS(section)
        checkAPI(section, listen: listen)
        return RouterConfiguration(
            listen: listen, tls: tls, apiTokens: apiTokens(section),
            publicURL: publicURL(section, of: .router, listen),
            egressAllow: section.list("egress_allow", of: "networks").compactMap { network($0, section) },
            egressProxy: egressProxy(section), allowHTTP: section.boolean("allow_http", default: false),
            eventLogBudgetBytes: section.integer(
                "event_log_budget_bytes", default: 10 << 30, in: (1 << 20)...(1 << 50)),
            retentionHours: section.duration(
                "retention", default: .seconds(168 * 3600), in: Duration.seconds(1)...Duration.seconds(3650 * 86_400)
            ).inSeconds / 3600,
            dedupeWindowHours: section.duration(
                "dedupe_window", default: .seconds(24 * 3600), in: Duration.zero...Duration.seconds(365 * 86_400)
            ).inSeconds / 3600,
            dedupeIds: section.integer("dedupe_ids", default: 1_000_000, in: 0...100_000_000),
            maxUnfinished: section.integer("max_unfinished", default: 1000, in: 1...100_000),
            quarantine: decodeQuarantine(section), metricsListen: address(section, "metrics_listen"))
    }

    private func decodeQuarantine(_ router: Section) -> QuarantineConfiguration {
        let section = part(router, "quarantine", keys: ["max_webhooks", "max_bytes", "max_age", "total_bytes"])
        return QuarantineConfiguration(
            maxWebhooks: section.integer("max_webhooks", default: 100_000, in: 1...100_000_000),
            maxBytes: section.integer("max_bytes", default: 256 << 20, in: (1 << 20)...(1 << 50)),
            maxAgeSeconds: section.duration(
                "max_age", default: .seconds(7 * 86_400), in: Duration.seconds(1)...Duration.seconds(3650 * 86_400)
            ).inSeconds,
            totalBytes: section.integer("total_bytes", default: 4 << 30, in: (1 << 20)...(1 << 50)))
    }

    /// What makes a control API that others can reach: tokens, and TLS beyond this machine.
    private func checkAPI(_ section: Section, listen: ListenAddress?) {
        let isInsecure = section.boolean("insecure", default: false)
        guard let value = section.optional("listen"), let listen else {
            for key in ["tls", "insecure", "public_url"] {
                guard let superfluous = section.optional(key) else { continue }
                problems.report(superfluous, "\(key) belongs to the control API, which needs listen")
            }
            return
        }
        if section.list("api_tokens", of: "tokens").isEmpty {
            problems.report(value, "the control API needs api_tokens; write api_tokens: [\"env:TRIBUTARY_API_TOKEN\"]")
        }
        if !listen.isLoopback, section.optional("tls") == nil, !isInsecure {
            problems.report(
                value,
                "beyond loopback tokens and secrets need tls: { certificate: …, key: … }; where a proxy in front speaks "
                    + "TLS, write insecure: true")
        }
        if isInsecure, section.optional("tls") != nil, let superfluous = section.optional("insecure") {
            problems.report(superfluous, "there is tls; remove one of both")
        }
    }

    /// References, or mappings that say more.
    private func apiTokens(_ section: Section) -> [APITokenConfiguration] {
        var taken: Set<String> = []
        return section.list("api_tokens", of: "tokens").enumerated().compactMap { index, value in
            var token: APITokenConfiguration?
            if case .scalar = value.node {
                token = secret(value, section).map {
                    APITokenConfiguration(
                        name: "token-\(index + 1)", scopes: Set(APITokenConfiguration.allScopes), secret: .reference($0)
                    )
                }
            } else {
                token = namedToken(value, number: index + 1)
            }
            if let name = token?.name, !taken.insert(name).inserted {
                problems.report(value, "the token \"\(name)\" is already defined; names are unique")
            }
            return token
        }
    }

    private func namedToken(_ value: Value, number: Int) -> APITokenConfiguration? {
        guard let part = Section(value, keys: ["name", "value", "sha256", "scopes"], problems: problems) else {
            return nil
        }
        let scopes = scopes(part)
        var name = "token-\(number)"
        if let given = part.optional("name"), let text = part.text(given, expected: "a name") {
            name = text
            if !Self.isName(text) {
                problems.report(given, "expected a name of 1 to 63 characters a-z, 0-9 and -, found \"\(text)\"")
            }
        }
        if let superfluous = part.optional("sha256"), part.optional("value") != nil {
            problems.report(superfluous, "value is there too; keep one of both")
        }
        guard let hash = part.optional("sha256") else {
            let reference = part.required("value", expected: "env:NAME or file:PATH, or sha256 with the token's hash")
            return secret(reference, part).map { .init(name: name, scopes: scopes, secret: .reference($0)) }
        }
        guard let bytes = part.text(hash, expected: "the SHA-256 of the token").flatMap(Self.sha256) else {
            problems.report(hash, "expected 64 hexadecimal digits; `printf %s \"$TOKEN\" | sha256sum` prints them")
            return nil
        }
        return APITokenConfiguration(name: name, scopes: scopes, secret: .sha256(bytes))
    }

    private func scopes(_ part: Section) -> Set<String> {
        let valid = APITokenConfiguration.allScopes
        guard let value = part.optional("scopes") else { return Set(valid) }
        let elements = part.list("scopes", of: "scopes")
        if case .sequence = value.node, elements.isEmpty {
            problems.report(
                value, "a token without a scope can do nothing; valid are: \(valid.joined(separator: ", "))")
        }
        return Set(
            elements.compactMap { element in
                guard let word = part.text(element, expected: "one of \(valid.joined(separator: ", "))") else {
                    return nil
                }
                if !valid.contains(word) {
                    problems.report(element, "unknown scope \"\(word)\"; \(Suggestion.hint(for: word, among: valid))")
                }
                return word
            })
    }

    private static func sha256(_ text: String) -> [UInt8]? {
        text.utf8.count == 64 ? Hexadecimal.decode(Array(text.utf8)) : nil
    }

    /// The certificate and key of a listener.
    func listenerTLS(_ section: Section) -> ListenerTLS? {
        guard let value = section.optional("tls"),
            let part = Section(value, keys: ["certificate", "key"], problems: problems)
        else { return nil }
        let certificate = secret(part.required("certificate", expected: "file:PATH of a PEM certificate"), part)
        let key = secret(part.required("key", expected: "file:PATH of the certificate's PEM key"), part)
        guard let certificate, let key else { return nil }
        return ListenerTLS(certificate: certificate, key: key)
    }

    /// A URL, or a mapping that has credentials too.
    private func egressProxy(_ section: Section) -> EgressProxyConfiguration? {
        guard let value = section.optional("egress_proxy") else { return nil }
        guard case .mapping = value.node else {
            return proxyURL(value, section).map { EgressProxyConfiguration(url: $0, username: nil, password: nil) }
        }
        guard let part = Section(value, keys: ["url", "username", "password"], problems: problems) else { return nil }
        for (one, other) in [("username", "password"), ("password", "username")] where part.optional(one) != nil {
            _ = part.required(other, expected: "username and password together")
        }
        let username = part.text(part.optional("username"), expected: "a name")
        let password = part.optional("password").flatMap { secret($0, part) }
        return part.required("url", expected: Self.proxyExpected).flatMap { proxyURL($0, part) }.map {
            EgressProxyConfiguration(url: $0, username: username, password: password)
        }
    }

    private static let proxyExpected = "the URL of an HTTP proxy such as http://proxy.example.com:3128"

    private func proxyURL(_ value: Value, _ section: Section) -> EndpointURL? {
        let expected = Self.proxyExpected
        guard let text = section.text(value, expected: expected) else { return nil }
        do throws(InvalidURL) {
            let url = try EndpointURL(text)
            guard !url.isTLS else { throw InvalidURL("connections to the proxy itself are plain HTTP; write http://") }
            guard url.target == "/", !text.contains("?") else { throw InvalidURL("a proxy has no path") }
            return url
        } catch {
            problems.report(value, "expected \(expected), found \"\(text)\": \(error.reason)")
            return nil
        }
    }

    /// Whose public URL it is: who reaches it there, and what comes behind the host.
    enum PublicPlace {
        case ingress, router

        var expected: String {
            switch self {
            case .ingress: "the URL under which providers reach the ingress, such as https://gw.example.com"
            case .router: "the URL under which the control API is reached, such as https://api.example.com"
            }
        }
        var rest: String { self == .ingress ? "sources add /in/{source}" : "operations add /v1" }
        var name: String { self == .ingress ? "the ingress" : "the control API" }
    }

    /// Without a slash at its end; empty where it is left out, or after a report.
    func publicURL(_ section: Section, of place: PublicPlace, _ listen: ListenAddress?) -> String {
        let expected = place.expected
        guard let value = section.optional("public_url"), let text = section.text(value, expected: expected) else {
            return ""
        }
        do throws(InvalidURL) {
            let url = try EndpointURL(text)
            guard url.target == "/", !text.contains("?") else {
                throw InvalidURL("it must end with the host or port, because \(place.rest)")
            }
            guard url.isTLS || listen?.isLoopback ?? true else {
                throw InvalidURL("it must begin with https:// while \(place.name) listens beyond loopback")
            }
        } catch {
            problems.report(value, "expected \(expected), found \"\(text)\": \(error.reason)")
            return ""
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private func network(_ value: Value, _ section: Section) -> String? {
        let expected = "a network such as 127.0.0.0/8 or ::1/128"
        guard let text = section.text(value, expected: expected) else { return nil }
        if text.contains("/"), IPNetwork(text, ignoringHostBits: true) != nil { return text }
        problems.report(value, "expected \(expected), found \"\(text)\"")
        return nil
    }
}
