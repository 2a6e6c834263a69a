package import JSON

/// A subscriber that takes HTTP requests.
package struct HTTPDestinationConfiguration: DestinationConfiguration {
    package static let kind = "http"
    package static let keys = ["url", "signing", "tls"]
    package static let configurationOnlyKeys = ["tls"]

    package let url: EndpointURL
    package let signing: SigningConfiguration
    /// How connections are secured where the defaults do not fit.
    package let tls: SubscriberTLS?

    package init(url: EndpointURL, signing: SigningConfiguration, tls: SubscriberTLS? = nil) {
        self.url = url
        self.signing = signing
        self.tls = tls
    }

    package var place: String { url.text }
    package var references: [SecretReference] { tls?.references ?? [] }
    package var publicReferences: [SecretReference] { [tls?.certificate, tls?.ca].compactMap { $0 } }
    package var members: [(String, JSONText)] { [("url", .string(url.text))] }

    package func refusal(by router: RouterConfiguration) -> (key: String, sentence: String)? {
        router.plainHTTPRefusal(url).map { ("url", $0) }
    }

    package func warning(by router: RouterConfiguration) -> String? { router.egressRefusal(url) }
}

extension SubscriptionConfiguration {
    /// Its destination where that takes HTTP requests.
    package var http: HTTPDestinationConfiguration? { destination as? HTTPDestinationConfiguration }
}

extension HTTPDestinationConfiguration: DecodableDestination {
    static func decode(_ section: Section, _ decoder: ConfigurationDecoder) -> HTTPDestinationConfiguration? {
        let url = endpoint(section)
        let signing = decoder.signing(section)
        let tls = tls(section, decoder, isTLS: url?.isTLS ?? true)
        return url.map { HTTPDestinationConfiguration(url: $0, signing: signing, tls: tls) }
    }

    private static func endpoint(_ section: Section) -> EndpointURL? {
        let expected = "a URL such as https://example.com/events"
        guard let value = section.required("url", expected: expected),
            let text = section.text(value, expected: expected)
        else { return nil }
        do {
            return try EndpointURL(text)
        } catch {
            section.problems.report(value, "expected \(expected), found \"\(text)\": \(error.reason)")
            return nil
        }
    }

    private static func tls(_ section: Section, _ decoder: ConfigurationDecoder, isTLS: Bool) -> SubscriberTLS? {
        let (names, problems) = (["ca", "certificate", "key"], section.problems)
        guard let value = section.optional("tls"), let part = Section(value, keys: names, problems: problems) else {
            return nil
        }
        if !isTLS { problems.report(value, "tls says nothing about a URL with http; use https or remove tls") }
        if names.allSatisfy({ part.optional($0) == nil }) {
            problems.report(value, "expected ca, or certificate and key, or all three")
        }
        for (one, other) in [("certificate", "key"), ("key", "certificate")] where part.optional(one) != nil {
            _ = part.required(other, expected: "file:PATH, because \(one) is there and both belong together")
        }
        let references = names.map { name in part.optional(name).flatMap { decoder.secret($0, part) } }
        return SubscriberTLS(ca: references[0], certificate: references[1], key: references[2])
    }
}
