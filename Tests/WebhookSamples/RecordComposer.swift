import Events
package import Wire

/// An envelope in memory, as it travels from stage to stage.
package struct Record: Sendable {
    package var bytes: [UInt8]

    /// The record that the ingress would make of a request.
    package init(
        source: String, fields: [(name: String, value: String)], body: [UInt8], receivedAtNanoseconds: Int64 = 1,
        sequence: UInt64 = 1
    ) {
        var writer = ByteWriter()
        Array(source.utf8).withUnsafeBytes { name in
            writer.openEnvelope(source: name, receivedAtNanoseconds: receivedAtNanoseconds) { sections in
                sections.requestHead(fields)
                body.withUnsafeBytes { sections.section(.body, $0) }
            }
        }
        bytes = Array(writer.bytes.dropFirst(4))
        bytes.withUnsafeMutableBytes {
            EnvelopePatch.seal($0, journal: JournalID(high: 7, low: 8), sequence: sequence)
        }
    }

    /// The record as a verifier passes it on, without the check.
    package static func verified(
        source: String, fields: [(name: String, value: String)] = [], body: [UInt8], receivedAtNanoseconds: Int64 = 1,
        sequence: UInt64 = 1
    ) -> Record {
        var record = Record(
            source: source, fields: fields, body: body, receivedAtNanoseconds: receivedAtNanoseconds,
            sequence: sequence)
        record.append { Verification(scheme: "test", keyID: "0").write(to: &$0) }
        return record
    }

    /// Lends a view of the envelope.
    package func withView<Result>(_ body: (EnvelopeView) throws -> Result) throws -> Result {
        try bytes.withUnsafeBytes { try body(EnvelopeView($0)) }
    }

    /// Appends sections.
    package mutating func append(_ write: (inout ByteWriter) -> Void) {
        var writer = ByteWriter()
        write(&writer)
        bytes += writer.bytes
    }

    /// What `work` appends to the record, appended; and what it returned.
    package mutating func pass<Outcome>(
        _ work: (EnvelopeView, inout ByteWriter) -> Outcome
    ) throws -> Outcome {
        var writer = ByteWriter()
        let outcome = try withView { work($0, &writer) }
        bytes += writer.bytes
        return outcome
    }

    /// The attributes and payload of every canonical event.
    package func events() throws -> [Event] {
        try withView { view in
            var events: [Event] = []
            try view.forEachEvent { event in
                var attributes: [String: String] = [:]
                AttributeList(event.attributeBytes).forEach { name, value in
                    attributes[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                    return true
                }
                events.append(
                    Event(
                        attributes: attributes, payload: event.payload.map { Array($0) },
                        isWholeBody: event.isWholeBody))
            }
            return events
        }
    }

    /// The first section with that tag.
    package func section(_ tag: SectionTag) throws -> [UInt8]? {
        try withView { $0.section(tag).map { Array($0) } }
    }

    /// One canonical event, copied out of its record.
    package struct Event: Sendable {
        package let attributes: [String: String]
        package let payload: [UInt8]?
        package let isWholeBody: Bool
    }
}
