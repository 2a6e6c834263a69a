package import EventLog
import Events
import JSON
import NIOCore
import PipelineConfiguration
import Primitives
import Wire

/// The event of a test request: it looks like any other, comes from no provider and is in no log.
package enum ProbeEvent {
    package static let type = "dev.tributary.test.requested"

    /// The event as the subscription would get it, in an array where it takes batches.
    static func content(_ subscription: SubscriptionConfiguration, at nanoseconds: Int64) -> Delivery.Content {
        guard let row = try? row(subscription.name, at: nanoseconds),
            let content = EventFormat.content(of: 0, in: row, as: subscription.format)
        else { preconditionFailure("a record written by the log's own layout can be read") }
        return subscription.mode == .single ? .single(content) : .batch([content])
    }

    private static func row(_ name: String, at nanoseconds: Int64) throws(WireError) -> EventBatch {
        let payload = JSONText.object([
            "subscription": .string(name), "text": .string("A test. Nothing happened."),
        ]).bytes
        let attributes = [
            ("id", "test-\(nanoseconds)"), ("source", "/tributary"), ("type", type),
            ("subject", "subscriptions/\(name)"),
            ("time", RFC3339.text(nanoseconds)), ("datacontenttype", "application/json"),
        ]
        return try row(attributes, payload: payload, at: nanoseconds)
    }

    /// A row of one record (`EventRecord`), at position 0, which no event of a log has. `source`: its name in the
    /// configuration.
    static func row(
        _ attributes: [(String, String)], payload: [UInt8], source: String = "", at nanoseconds: Int64
    ) throws(WireError) -> EventBatch {
        var writer = ByteWriter()
        let event = OwnEvent(
            attributes: attributes.map { ($0.0, $0.1) }, payload: payload, atNanoseconds: nanoseconds)
        EventRecord.write(event, source: source, to: &writer)
        return try EventBatch(
            first: 0, takenAtNanoseconds: nanoseconds, appendedAtNanoseconds: nanoseconds, records: writer.bytes)
    }
}

extension SubscriptionStore {
    /// Sends one signed test request and waits for what comes of it. It is no part of the log and counts nowhere.
    package func probe(_ name: String) throws -> AttemptRecord {
        let subscription = try subscription(name)
        let (loops, now) = (dependencies.loops, dependencies.clock())
        let ended = loops.loop(of: name).makePromise(of: AttemptRecord.self)
        loops.execute(on: name) { hub in
            guard let lane = hub.lane(name) else {
                return ended.fail(RouterError(.conflict, "\(name) has just been deleted"))
            }
            lane.probe(ProbeEvent.content(subscription.configuration, at: now)) { ended.succeed($0) }
        }
        return try ended.futureResult.wait()
    }
}
