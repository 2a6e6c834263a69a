package import JSON

/// Any provider whose webhooks are JSON: the source's configuration says with JSON Pointers where type, id, time,
/// subject and key are. How its webhooks are verified is named in the configuration too.
package enum GenericProvider: Provider {
    package static let name = "generic"
    package static let attribute: StaticString = "generic"
    package static let signing = Signing.never
    package static let idSource = "`id` of its mapping, else the SHA-256 of what says when it happened, else generated"
    package static let timeSource = "`time` of its mapping"

    package static let sendsForms = true

    /// None that could be known: the mapping's `redact` names them.
    package static let credentials = Credentials(only: [])

    package static let payload = PayloadForm.pointers(PointerMapping())
}
