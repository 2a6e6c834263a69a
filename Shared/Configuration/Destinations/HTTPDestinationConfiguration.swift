import Primitives

/// A subscriber's URL.
package struct HTTPDestinationConfiguration: DestinationConfiguration {
    package var url = EndpointURL.nowhere
    package var signing = SigningConfiguration()
    package var timeout = Duration.seconds(15)
    package var tls: SubscriberTLS?

    package init() {}

    package static let word = "http"

    package static let table = FieldTable<HTTPDestinationConfiguration>(
        { HTTPDestinationConfiguration() }, rules: [{ destination, section in check(destination, section) }],
        [
            Field("url", \.url, .url, "Where deliveries go, http or https.", required: FieldKind.url.expected),
            Field(
                "signing", \.signing, SigningConfiguration.kind,
                "How a subscriber can tell that a request is ours; it must be said, `scheme: none` too."),
            .timeout(\.timeout),
            .tls(\.tls),
        ])

    private static func check(_ destination: HTTPDestinationConfiguration, _ section: Section) {
        let decoding = section.decoding
        if !decoding.isDocument, !section.has("signing") {
            section.missing("signing", "a mapping with scheme and secrets; scheme: none sends unsigned")
        }
        guard section.isRight("url") else { return }
        if section.has("tls"), !destination.url.isTLS {
            section.report("tls", "tls says nothing about a URL with http; use https or remove tls")
        }
        if !decoding.isDocument, let refusal = destination.refusal(by: decoding.router) {
            section.report(refusal.key, refusal.sentence)
        }
    }
}

extension HTTPDestinationConfiguration {
    package var place: String { url.text }
    package var endpoints: [EndpointURL] { [url] }

    package func refusal(by router: RouterConfiguration) -> (key: String, sentence: String)? {
        router.plainHTTPRefusal(url).map { ("url", $0) }
    }
}
