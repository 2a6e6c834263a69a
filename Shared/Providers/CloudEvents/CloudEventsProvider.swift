package import JSON

/// Whoever publishes CloudEvents 1.0 over HTTP (HTTP binding 1.0.2): structured, binary or batch. It takes any proof that
/// a source's configuration names.
package enum CloudEventsProvider: Provider {
    package static let name = "cloudevents"
    package static let attribute: StaticString = "cloudevents"
    package static let signing = Signing.never
    package static let idSource = "the event's own `id`"
    package static let timeSource = "the event's own `time`"

    /// None that could be known: what is published is passed on as it is.
    package static let credentials = Credentials(only: [])

    package static let payload = PayloadForm.own

    /// Attributes that the gateway gives and no sender may: where an event came in, when, and what was made of it.
    package static let reserved: Set<String> = [
        "timesource", "recordedtime", "sequence", "provider", "providertype", "data", "specversion",
    ]
}
