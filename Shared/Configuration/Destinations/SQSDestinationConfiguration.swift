/// A queue of Amazon SQS, or of what speaks its protocol.
package struct SQSDestinationConfiguration: DestinationConfiguration {
    package static let word = "sqs"
    package static let formats = [SubscriptionFormat.cloudevents]
    package static let takesBatches = false

    package var queueURL = EndpointURL.nowhere
    /// Empty where the host of the queue's URL names it.
    package var configuredRegion = ""
    package var endpoint: EndpointURL?
    package var credentials: AWSCredentialReferences?
    package var timeout = Duration.seconds(15)

    package init() {}

    package static let table = FieldTable<SQSDestinationConfiguration>(
        { SQSDestinationConfiguration() }, rules: [{ destination, section in check(destination, section) }],
        [
            Field(
                "queue_url", \.queueURL, .url(expected) { _, _ in },
                "The queue; a name that ends in .fifo is that of a FIFO queue.", required: expected),
            Field(
                "region", \.configuredRegion, .text("a region such as eu-central-1", length: 1...63),
                "The region that requests are signed for, where the URL does not name it."),
            Field(
                "endpoint", optional: \.endpoint, .url("a URL such as https://sqs.example.com") { _, _ in },
                "Where requests go, in place of the queue URL's host: a VPC endpoint, an emulator."),
            Field(
                "credentials", optional: \.credentials, .object(AWSCredentialReferences.table),
                "As whom requests go to the queue.", required: AWSCredentialReferences.expected, fileOnly: true),
            .timeout(\.timeout),
        ])

    private static let expected =
        "the URL of a queue, such as https://sqs.eu-central-1.amazonaws.com/123456789012/events"

    package var place: String { queueURL.text }
    package var endpoints: [EndpointURL] { [address] }
    package var isFIFO: Bool { queueURL.target.hasSuffix(".fifo") }
    /// Where requests go.
    package var address: EndpointURL { endpoint ?? queueURL }

    /// What requests are signed for; empty where nothing names it. AWS' hosts are `sqs.REGION.amazonaws.com` and
    /// `REGION.queue.amazonaws.com`.
    package var region: String {
        guard configuredRegion.isEmpty else { return configuredRegion }
        let labels = queueURL.host.split(separator: ".")
        guard labels.contains("amazonaws") || labels.suffix(2) == ["api", "aws"] else { return "" }
        if let service = labels.firstIndex(of: "sqs"), service + 1 < labels.count { return String(labels[service + 1]) }
        return labels.count > 3 && labels[1] == "queue" ? String(labels[0]) : ""
    }

    package func refusal(by router: RouterConfiguration) -> (key: String, sentence: String)? {
        router.plainHTTPRefusal(address).map { (endpoint == nil ? "queue_url" : "endpoint", $0) }
    }

    /// What concerns the queue alone.
    static func checkQueue(_ destination: SQSDestinationConfiguration, _ section: Section) {
        guard section.isRight("queue_url") else { return }
        if destination.queueURL.target.split(separator: "/").isEmpty || destination.queueURL.target.contains("?") {
            section.report("queue_url", "expected \(expected)")
        }
        if destination.region.isEmpty { section.missing("region", "a region such as eu-central-1") }
    }

    private static func check(_ destination: SQSDestinationConfiguration, _ section: Section) {
        checkQueue(destination, section)
        if section.isRight("queue_url"), !section.decoding.isDocument,
            let refusal = destination.refusal(by: section.decoding.router)
        {
            section.report(refusal.key, refusal.sentence)
        }
    }
}

/// Where the credentials for AWS are to be found.
package struct AWSCredentialReferences: Sendable {
    package var accessKeyID: SecretReference
    package var secretAccessKey: SecretReference
    package var sessionToken: SecretReference?

    static let expected = "a mapping with access_key_id and secret_access_key"

    package static let table = FieldTable<AWSCredentialReferences>(
        { AWSCredentialReferences(accessKeyID: .nowhere, secretAccessKey: .nowhere) },
        [
            Field(
                "access_key_id", \.accessKeyID, .secret, "Such as env:AWS_ACCESS_KEY_ID.",
                required: "env:NAME or file:PATH of the access key's id"),
            Field(
                "secret_access_key", \.secretAccessKey, .secret, "The secret of the access key.",
                required: "env:NAME or file:PATH of the access key's secret"),
            Field("session_token", optional: \.sessionToken, .secret, "Of temporary credentials."),
        ])
}
