import JSON
package import Wire

/// An envelope in this process alone, as the ingress would have written it, and what stages append to it.
package struct LocalRecord: Sendable {
    private var bytes: [UInt8]

    /// The webhook that is to be judged.
    package struct Webhook: Sendable {
        package var source: String
        /// Header fields and, under names that begin with a colon, what else `RequestHead` holds.
        package var head: [(name: String, value: String)]
        package var body: [UInt8]
        /// Nanoseconds since 1970; what all time stamps are judged against.
        package var receivedAtNanoseconds: Int64
        /// Where it came from, for webhooks out of quarantine: the ids made of it are the same again.
        package var journal: JournalID
        package var sequence: UInt64
        /// Which elements of a batch are wanted; none: all.
        package var elements: [UInt32]
        /// Whether it is replayed, so that only `elements` are wanted.
        package var isReplay: Bool

        package init(
            source: String, head: [(name: String, value: String)], body: [UInt8], receivedAtNanoseconds: Int64,
            journal: JournalID = JournalID(high: 0, low: 0), sequence: UInt64 = 1, elements: [UInt32] = [],
            isReplay: Bool = false
        ) {
            self.source = source
            self.head = head
            self.body = body
            self.receivedAtNanoseconds = receivedAtNanoseconds
            self.journal = journal
            self.sequence = sequence
            self.elements = elements
            self.isReplay = isReplay
        }
    }

    /// Nil for what no ingress would take: a source name or a header field that is too long for an envelope.
    package init?(_ webhook: Webhook) {
        let most = Int(UInt16.max)
        let name = Array(webhook.source.utf8)
        guard (1...Limits.sourceNameBytes).contains(name.count), webhook.head.count <= most,
            webhook.head.allSatisfy({ $0.name.utf8.count <= most && $0.value.utf8.count <= most })
        else { return nil }
        var writer = ByteWriter()
        name.withUnsafeBytes { name in
            writer.openEnvelope(source: name, receivedAtNanoseconds: webhook.receivedAtNanoseconds) { sections in
                sections.requestHead(webhook.head)
                webhook.body.withUnsafeBytes { sections.section(.body, $0) }
                guard webhook.isReplay else { return }
                ReplayOrigin.write(
                    journal: webhook.journal, sequence: webhook.sequence, elements: webhook.elements, to: &sections)
            }
        }
        bytes = Array(writer.bytes.dropFirst(4))
        bytes.withUnsafeMutableBytes {
            EnvelopePatch.seal($0, journal: webhook.journal, sequence: webhook.sequence)
        }
    }

    /// Lends a view of the envelope.
    package func withView<Result>(_ use: (EnvelopeView) -> Result) -> Result {
        bytes.withUnsafeBytes { bytes in
            guard let view = try? EnvelopeView(bytes) else {
                preconditionFailure("an envelope that was just written can be read")
            }
            return use(view)
        }
    }

    /// Lends a view of the webhook.
    package func withWebhook<Result>(_ use: (AcceptedWebhook) -> Result) -> Result {
        withView { view in
            guard let webhook = AcceptedWebhook(view) else {
                preconditionFailure("an envelope that was just written holds a request head and a body")
            }
            return use(webhook)
        }
    }

    /// What `work` writes, appended; and what it returned.
    package mutating func pass<Outcome>(_ work: (EnvelopeView, inout ByteWriter) -> Outcome) -> Outcome {
        var writer = ByteWriter()
        let outcome = withView { work($0, &writer) }
        bytes += writer.bytes
        return outcome
    }

    /// Every event in its CloudEvents JSON, as the router would send it from `position` of its log on.
    package func events(position: UInt64) -> [String] {
        withView { view in
            var events: [String] = []
            try? view.forEachEvent { event in
                var writer = ByteWriter()
                CloudEventsJSON.render(
                    attributes: event.attributeBytes, payload: event.payload,
                    receivedAtNanoseconds: view.receivedAtNanoseconds, position: position + UInt64(events.count),
                    to: &writer)
                events.append(String(decoding: writer.bytes, as: UTF8.self))
            }
            return events
        }
    }
}
