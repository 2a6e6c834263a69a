package import JSON

/// SuperViz (docs.superviz.com): the Real-time webhook, one JSON object or an array of up to 1 000 of them in a request,
/// and its other webhooks `{id, type, message}`.
///
/// It signs nothing. The dashboard lets one enter a "token if necessary for your end" without saying which header field
/// or parameter carries it, so the source's configuration must name the verification: a shared token in a header field
/// or in the query, a path token, or `none`. `apiKey` is a public client key and proves nothing.
package enum SuperVizProvider: Provider {
    package static let name = "superviz"
    package static let attribute: StaticString = "superviz"
    package static let signing = Signing.never

    package static let types = SuperVizTypes.all
    package static let idSource = "`id`; of Real-time events the SHA-256 of the element's canonical form (RFC 8785)"
    package static let timeSource = "`date`, else received-at"

    /// `data` and `message` are the application's. `apiKey` is public, but tells whose account it is.
    package static let credentials = Credentials(only: ["apiKey", "api_key"])

    package static let payload = PayloadForm.own
}
