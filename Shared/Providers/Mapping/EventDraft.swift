package import Events
package import Wire

/// The attributes of the one event of a webhook while they are being found, and how they are written. Its memory is
/// used again from webhook to webhook.
package struct EventDraft {
    package var type: [UInt8] = []
    package var id: [UInt8] = []
    package var subject: [UInt8] = []
    package var partitionKey: [UInt8] = []
    package var time: [UInt8] = []
    package var providerType: [UInt8] = []
    private var source: [UInt8] = []
    private var payload: [UInt8] = []

    package init() {}

    /// Empties the draft, keeping its memory.
    package mutating func reset() {
        type.removeAll(keepingCapacity: true)
        id.removeAll(keepingCapacity: true)
        subject.removeAll(keepingCapacity: true)
        partitionKey.removeAll(keepingCapacity: true)
        time.removeAll(keepingCapacity: true)
        providerType.removeAll(keepingCapacity: true)
    }

    /// Takes over the provider's time: a text or integer nanoseconds, the first of `slots` that can be read.
    package mutating func takeTime(_ slots: [Int], of reader: JSONReader) {
        for slot in slots where time.isEmpty {
            if let text = reader.string(slot) {
                _ = EventTime.append(text: text, to: &time)
            } else if let digits = reader.number(slot) {
                _ = EventTime.append(integer: digits, to: &time)
            }
        }
    }

    /// Appends the events section with this one event. Missing are filled in: the id is generated, the time becomes
    /// received-at (and `timesource` says so), subject and partition key are left out.
    ///
    /// The payload is the verified body by reference, or a redacted copy where something must be hidden.
    package mutating func write(
        for webhook: VerifiedWebhook, provider: StaticString, reader: JSONReader, into writer: inout ByteWriter
    ) {
        let envelope = webhook.accepted.envelope
        if id.isEmpty {
            let generated = GeneratedEventID.make(
                receivedAtNanoseconds: envelope.receivedAtNanoseconds, journal: envelope.journal,
                sequence: envelope.sequence, element: 0)
            id.append(contentsOf: generated.utf8)
        }
        let isTimeKnown = !time.isEmpty
        if !isTimeKnown { EventTime.append(nanoseconds: envelope.receivedAtNanoseconds, to: &time) }
        source.removeAll(keepingCapacity: true)
        source.append(contentsOf: "/sources/".utf8)
        AttributeText.append(envelope.sourceBytes, to: &source)

        var events = CanonicalEventsWriter(for: webhook, in: &writer)
        events.open(element: 0, in: &writer)
        attribute("type", type, &events, &writer)
        attribute("source", source, &events, &writer)
        attribute("id", id, &events, &writer)
        if !subject.isEmpty { attribute("subject", subject, &events, &writer) }
        if !partitionKey.isEmpty { attribute("partitionkey", partitionKey, &events, &writer) }
        attribute("time", time, &events, &writer)
        attribute("timesource", isTimeKnown ? "provider" : "ingest", &events, &writer)
        attribute("provider", provider, &events, &writer)
        attribute("providertype", providerType, &events, &writer)
        attribute("datacontenttype", "application/json", &events, &writer)
        writePayload(of: webhook, reader: reader, &events, &writer)
        events.finish(in: &writer)
    }

    private mutating func writePayload(
        of webhook: VerifiedWebhook, reader: JSONReader, _ events: inout CanonicalEventsWriter,
        _ writer: inout ByteWriter
    ) {
        guard reader.hasRedactions else {
            events.close(.section(webhook.bodySection), in: &writer)
            return
        }
        payload.removeAll(keepingCapacity: payload.capacity <= Self.keptPayloadBytes)
        reader.writeRedacted(webhook.body, into: &payload)
        payload.withUnsafeBytes { events.close(.inline($0), in: &writer) }
    }

    /// A copy grown beyond this for one large body is given back.
    private static let keptPayloadBytes = 256 * 1024

    private func attribute(
        _ name: StaticString, _ value: [UInt8], _ events: inout CanonicalEventsWriter, _ writer: inout ByteWriter
    ) {
        value.withUnsafeBytes { events.attribute(name, $0, in: &writer) }
    }

    private func attribute(
        _ name: StaticString, _ value: StaticString, _ events: inout CanonicalEventsWriter, _ writer: inout ByteWriter
    ) {
        events.attribute(name, value.bytes, in: &writer)
    }
}

extension CanonicalEventsWriter {
    /// Appends an events section without events: the webhook announces nothing.
    static func writeNone(for webhook: VerifiedWebhook, into writer: inout ByteWriter) {
        var events = CanonicalEventsWriter(for: webhook, in: &writer)
        events.finish(in: &writer)
    }
}
