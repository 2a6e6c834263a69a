import Events
import StageMetrics
import Wire

/// A webhook that a connector fetched: what would have been a request at the front door.
struct FetchedWebhook: Sendable, Equatable {
    struct Field: Sendable, Equatable {
        let name: String
        let value: String
    }

    /// Those of a request's head that there are, such as signatures.
    var fields: [Field]
    /// What names it where it was fetched from, the same however often it is fetched; nil where nothing does.
    var id: String?
    /// Whether it is the connector's own word that it was not connected.
    var isGap = false
    var body: [UInt8]
}

/// Whose webhooks they are.
struct FetchedFrom: Sendable {
    let connector: String
    /// 1 to 63 bytes.
    let source: String
    /// The process.
    let instance: String
    /// The share of webhooks without a trace context that get one here.
    var startedTraces = 0.0
    /// What the stages behind take.
    let maxBodyBytes: Int
}

extension FetchedWebhook {
    /// What the other fields and sections of an envelope with a rejection have at most, beside those of its sender.
    private static let spareBytes = 3 << 10

    /// Appends its envelope without sequence. `receivedAtNanoseconds`: since 1970. One whose body is too large for the stages
    /// behind is refused in it, so that it travels into quarantine as it is: what is largest at SQS has room there (1 MiB,
    /// attributes included), and of what is larger still, the beginning.
    func append(_ from: FetchedFrom, receivedAtNanoseconds: Int64, to writer: inout ByteWriter) {
        Array(from.source.utf8).withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: receivedAtNanoseconds) { writer in
                // Names that begin with a colon are ours; queues let none begin so.
                var head = [(name: RequestHead.connector.description, value: from.connector)]
                if let id { head.append((RequestHead.fetchedID.description, id)) }
                if isGap { head.append((RequestHead.gap.description, "1")) }
                writer.requestHead(head + fields.filter { !$0.name.hasPrefix(":") }.map { ($0.name, $0.value) })
                let room = Limits.receivedBytes(maxBodyBytes: from.maxBodyBytes) - writer.count - Self.spareBytes
                body.prefix(room).withUnsafeBytes { writer.section(.body, $0) }
                TraceContext.write(
                    fields.first { $0.name.lowercased() == "traceparent" }?.value, startingShare: from.startedTraces,
                    to: &writer)
                StageStamp(
                    stage: .ingress, instance: from.instance, startedNanoseconds: receivedAtNanoseconds,
                    finishedNanoseconds: wallNanoseconds()
                ).write(to: &writer)
                if body.count > from.maxBodyBytes { Self.refuse(body.count, kept: room, from, &writer) }
            }
        }
    }

    private static func refuse(_ bytes: Int, kept: Int, _ from: FetchedFrom, _ writer: inout ByteWriter) {
        let sentence =
            "The body has \(bytes) bytes, and ingress.max_body_bytes allows \(from.maxBodyBytes)."
            + (kept < bytes ? " Only its first \(kept) bytes were kept." : " Allow more, then reprocess it.")
        Rejection(.bodyTooLarge, stage: .ingress, detail: sentence).write(to: &writer)
    }
}
