import EventLog
import PipelineConfiguration
import Wire

@testable import EventDelivery

/// Events as destinations are given them, made of any attributes.
enum BrokerSample {
    static let usual = [
        ("type", "dev.tributary.participant.joined"), ("source", "/sources/stream"), ("id", "evt-1"),
        ("subject", "call/default:1"), ("partitionkey", "call/default:1"), ("time", "2026-11-28T10:00:00Z"),
        ("provider", "stream-calls"), ("datacontenttype", "application/json"),
    ]

    /// The usual attributes with some changed; an empty one is left out.
    static func content(
        _ changes: [String: String] = [:], payload: String = "{\"a\":1}", as format: SubscriptionFormat = .cloudevents
    ) throws -> DeliveryContent {
        let attributes = usual.map { ($0.0, changes[$0.0] ?? $0.1) }.filter { !$0.1.isEmpty }
        let row = try ProbeEvent.row(attributes, payload: Array(payload.utf8), source: "stream-prod", at: 1)
        guard let content = EventFormat.content(of: 0, in: RenderedBatch(row), as: format) else {
            throw WireError.truncated
        }
        return content
    }
}
