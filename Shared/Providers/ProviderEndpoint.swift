package import JSON
package import Primitives

/// What a provider's clients call behind `/in/{source}`, and how they want to be refused.
package struct ProviderEndpoint: Sendable {
    /// The ingress takes this path and no other for such a source, and keeps it in the head.
    package var path: PathTemplate
    /// A path that fits, for samples.
    package var samplePath: String
    /// What a source takes where its configuration says nothing.
    package var maxBodyBytes: Int
    /// By our code: the status and the provider's own number.
    package var errors: [String: (status: Int, number: Int)]
    /// The number of codes that are not in `errors`; their status stays.
    package var otherError: Int
    /// Error members from code, status, sentence and duration.
    package var body: @Sendable (ErrorFacts) -> JSONText

    package struct ErrorFacts {
        package let status: Int
        package let number: Int
        package let code: String
        package let detail: String
        package let duration: String
    }

    /// Status and body for a refusal of ours.
    package func refusal(
        _ code: String, status: Int, detail: String, duration: String
    ) -> (status: Int, body: [UInt8]) {
        let error = errors[code] ?? (status, otherError)
        let facts = ErrorFacts(
            status: error.status, number: error.number, code: code, detail: detail, duration: duration)
        return (error.status, body(facts).bytes)
    }
}
