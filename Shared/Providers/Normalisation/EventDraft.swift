package import Events
import Primitives
package import SimdJSON
package import Wire

/// The attributes of one event while they are being found, and how events are written: one of a webhook, or one of each
/// element of a batch. Its memory is used again from event to event.
package struct EventDraft {
    package var type: [UInt8] = []
    package var id: [UInt8] = []
    package var subject: [UInt8] = []
    package var partitionKey: [UInt8] = []
    package var time: [UInt8] = []
    package var providerType: [UInt8] = []
    /// Where an event says itself what it comes from; empty: it is the source's.
    package var ownSource: [UInt8] = []
    /// Of data that is not JSON; empty: `application/json`.
    package var contentType: [UInt8] = []
    /// What the sender says of the event besides; `traceparent` takes the place of the request's.
    package var extensions: [(name: [UInt8], value: [UInt8])] = []
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
        ownSource.removeAll(keepingCapacity: true)
        contentType.removeAll(keepingCapacity: true)
        extensions.removeAll(keepingCapacity: true)
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
    /// The payload is the verified body by reference, or a copy where something must be hidden or a byte order mark stands
    /// before it.
    package mutating func write(
        for webhook: VerifiedWebhook, provider: StaticString, reader: JSONReader, into writer: inout ByteWriter
    ) {
        var events = openEvents(of: webhook, in: &writer)
        openEvent(0, of: webhook, provider: provider, &events, &writer)
        if reader.hasRedactions || reader.hasByteOrderMark {
            clearPayload()
            reader.writeRedacted(webhook.body, into: &payload)
            payload.withUnsafeBytes { events.close(.inline($0), in: &writer) }
        } else {
            events.close(.section(webhook.bodySection), in: &writer)
        }
        events.finish(in: &writer)
    }

    /// Appends the events section with this one event, whose payload is the body as it is: JSON that a connector wrote.
    package mutating func writeBody(
        for webhook: VerifiedWebhook, provider: StaticString, into writer: inout ByteWriter
    ) {
        var events = openEvents(of: webhook, in: &writer)
        openEvent(0, of: webhook, provider: provider, &events, &writer)
        events.close(.section(webhook.bodySection), in: &writer)
        events.finish(in: &writer)
    }

    /// Opens the events section of a webhook with any number of events; `writeElement` adds to it, and `finish` of what
    /// is returned ends it.
    package mutating func openEvents(
        of webhook: VerifiedWebhook, in writer: inout ByteWriter
    ) -> CanonicalEventsWriter {
        source.removeAll(keepingCapacity: true)
        source.append(contentsOf: "/sources/".utf8)
        AttributeText.append(webhook.accepted.envelope.sourceBytes, to: &source)
        return CanonicalEventsWriter(for: webhook, in: &writer)
    }

    /// Adds this event, whose payload is the element that `reader` selected last: its bytes, or a redacted copy. What
    /// is missing is filled in as by `write`. `text` is what `reader` read, where that is not the body.
    package mutating func writeElement(
        _ element: UInt32, of webhook: VerifiedWebhook, text: UnsafeRawBufferPointer? = nil, provider: StaticString,
        reader: JSONReader, _ events: inout CanonicalEventsWriter, _ writer: inout ByteWriter
    ) {
        let text = text ?? webhook.body
        openEvent(element, of: webhook, provider: provider, &events, &writer)
        if reader.hasRedactions {
            clearPayload()
            reader.writeRedactedElement(of: text, into: &payload)
            payload.withUnsafeBytes { events.close(.inline($0), in: &writer) }
        } else {
            let bytes = UnsafeRawBufferPointer(rebasing: text[reader.elementRange])
            events.close(.inline(bytes), in: &writer)
        }
    }

    /// Adds this event with a payload of JSON that is a translation of `original`. What is missing is filled in as by
    /// `write`.
    package mutating func writeElement(
        _ element: UInt32, of webhook: VerifiedWebhook, provider: StaticString, payload: UnsafeRawBufferPointer,
        original: OriginalBytes, _ events: inout CanonicalEventsWriter, _ writer: inout ByteWriter
    ) {
        openEvent(element, of: webhook, provider: provider, &events, &writer)
        events.close(.inline(payload), original: original, in: &writer)
    }

    /// Adds this event with data of any kind, or none. What is missing is filled in as by `write`.
    package mutating func writeElement(
        _ element: UInt32, of webhook: VerifiedWebhook, provider: StaticString, data: [UInt8]?,
        _ events: inout CanonicalEventsWriter, _ writer: inout ByteWriter
    ) {
        openEvent(element, of: webhook, provider: provider, &events, &writer)
        guard let data else { return events.close(.none, in: &writer) }
        data.withUnsafeBytes { events.close(.inline($0), in: &writer) }
    }

    /// Fills in what is missing and writes the event up to its payload.
    private mutating func openEvent(
        _ element: UInt32, of webhook: VerifiedWebhook, provider: StaticString,
        _ events: inout CanonicalEventsWriter, _ writer: inout ByteWriter
    ) {
        let envelope = webhook.accepted.envelope
        if id.isEmpty, let fetched = webhook.accepted.head.value(RequestHead.fetchedID) {
            AttributeText.append(fetched, to: &id)
            if element > 0 { id.append(contentsOf: "-\(element)".utf8) }
        }
        if id.isEmpty {
            // A replay gets the ids that the webhook would have had at first.
            let entry = webhook.entry
            GeneratedEventID.append(
                receivedAtNanoseconds: envelope.receivedAtNanoseconds, journal: entry.journal,
                sequence: entry.sequence, element: element, to: &id)
        }
        let isTimeKnown = !time.isEmpty
        if !isTimeKnown { RFC3339.append(nanoseconds: envelope.receivedAtNanoseconds, digits: nil, to: &time) }
        events.open(element: element, in: &writer)
        attribute("type", type, &events, &writer)
        attribute("source", ownSource.isEmpty ? source : ownSource, &events, &writer)
        attribute("id", id, &events, &writer)
        if !subject.isEmpty { attribute("subject", subject, &events, &writer) }
        if !partitionKey.isEmpty { attribute("partitionkey", partitionKey, &events, &writer) }
        attribute("time", time, &events, &writer)
        attribute("timesource", isTimeKnown ? "provider" : "ingest", &events, &writer)
        attribute("provider", provider, &events, &writer)
        if !providerType.isEmpty { attribute("providertype", providerType, &events, &writer) }
        let traces = extensions.contains { $0.name.elementsEqual("traceparent".utf8) }
        if let trace = webhook.trace, !traces { events.attribute(TraceContext.name, trace, in: &writer) }
        for (name, value) in extensions {
            name.withUnsafeBytes { name in
                value.withUnsafeBytes { events.attribute(named: name, $0, in: &writer) }
            }
        }
        if contentType.isEmpty {
            attribute("datacontenttype", "application/json", &events, &writer)
        } else {
            attribute("datacontenttype", contentType, &events, &writer)
        }
    }

    private mutating func clearPayload() {
        payload.removeAll(keepingCapacity: payload.capacity <= Self.keptPayloadBytes)
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
    /// Most elements of a batch; SuperViz says so of its own (docs.superviz.com, "Real-time request mode").
    static var mostElements: Int { 1000 }

    /// Has `write` add the events of a batch, element by element, or say why one is refused, and ends the section, which
    /// began at `start`.
    mutating func finishBatch(
        of count: Int, for webhook: VerifiedWebhook, from start: Int, in writer: inout ByteWriter,
        write: (_ element: UInt32, _ events: inout Self, _ writer: inout ByteWriter) -> Rejection?
    ) -> StageOutcome {
        var rejections: [Rejection] = []
        for element in 0..<UInt32(count) where webhook.replayed?.includes(element) ?? true {
            if let rejection = write(element, &self, &writer) { rejections.append(rejection) }
        }
        finish(in: &writer)
        let outcome = Self.bounded(webhook, from: start, &writer)
        return outcome == .passed && !rejections.isEmpty ? .passedExcept(rejections) : outcome
    }

    /// Redactions and escapes make a payload longer than it was; what no envelope can hold is taken back.
    static func bounded(_ webhook: VerifiedWebhook, from start: Int, _ writer: inout ByteWriter) -> StageOutcome {
        guard writer.count - start > mostBytes(of: webhook) else { return .passed }
        writer.bytes.removeLast(writer.count - start)
        let detail = "its events would take up more than an envelope may hold"
        return .refused(Rejection(.bodyTooLargeInflated, stage: .normaliser, detail: detail))
    }

    /// What the events of a webhook may take up, so that they stay within `Limits.envelopeBytes` together with the body
    /// as received and as inflated. `max_body_bytes` is not known here, but it is no less than the body as received,
    /// nor than half of the inflated one.
    private static func mostBytes(of webhook: VerifiedWebhook) -> Int {
        let received = webhook.accepted.body.count
        let inflated = webhook.bodySection == .inflatedBody ? webhook.body.count : 0
        return 4 * max(received, (inflated + 1) / 2) + (896 << 10) - received - inflated
    }

    /// Appends an events section without events: the webhook announces nothing.
    static func writeNone(for webhook: VerifiedWebhook, into writer: inout ByteWriter) {
        var events = CanonicalEventsWriter(for: webhook, in: &writer)
        events.finish(in: &writer)
    }
}
