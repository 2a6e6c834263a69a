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
            Field(
                "timeout", \.timeout, .duration(.milliseconds(100) ... .seconds(300)),
                "How long one attempt may take."),
            Field(
                "tls", optional: \.tls, .object(SubscriberTLS.table),
                "How connections are secured where the defaults do not fit; PEM each.", fileOnly: true),
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
        if !decoding.isDocument, let refusal = decoding.router.plainHTTPRefusal(destination.url) {
            section.report("url", refusal)
        }
    }
}

extension SubscriptionConfiguration {
    package var url: EndpointURL { http?.url ?? .nowhere }
    package var signing: SigningConfiguration { http?.signing ?? SigningConfiguration(scheme: .none) }
    package var tls: SubscriberTLS? { http?.tls }
    /// How long one attempt may take; the `timeout` of a retry schedule goes before that of the destination.
    package var timeoutSeconds: Double { (retry.timeout ?? http?.timeout ?? .seconds(15)).inSeconds }
}
