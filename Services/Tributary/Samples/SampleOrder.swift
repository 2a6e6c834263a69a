import JSON
import Primitives
import Providers

/// What one sample is asked to be: everything in it that differs from one webhook to the next.
struct SampleOrder: Sendable {
    /// The provider's word for the event.
    let type: String
    /// A UUID of its own; what a provider would call the event, recording or room by.
    let id: String
    /// Nanoseconds since 1970.
    let createdAtNanoseconds: Int64
    /// Elements of a batch; nil for one event in the provider's form for single events.
    let batch: Int?

    /// The type as JSON.
    var quotedType: String { JSONText.string(type).text }
    /// RFC 3339 with six digits of a second.
    var createdAt: String { RFC3339.text(createdAtNanoseconds, digits: 6) }
    /// RFC 3339 with three digits of a second, as JavaScript writes it.
    var createdAtMilliseconds: String { "\(createdAt.prefix(23))Z" }

    /// What stands for a name in `samples.txt`; nil where it is none of these.
    func value(_ name: Substring) -> String? {
        switch name {
        case "type": type
        case "quotedType": quotedType
        case "id": id
        case "plainID": id.replacing("-", with: "")
        case "shortID": String(id.prefix(8))
        case "createdAt": createdAt
        case "createdAtMilliseconds": createdAtMilliseconds
        // A form's.
        case "createdAtEncoded": createdAtMilliseconds.replacing(":", with: "%3A")
        // With nanoseconds, as Stream and FastPix write it: no two webhooks have the same body.
        case "createdAtPrecisely": RFC3339.text(createdAtNanoseconds, digits: 9)
        case "createdAtSeconds": "\(createdAtNanoseconds / 1_000_000_000)"
        case "createdAtDecimal": "\(createdAtNanoseconds / 1_000_000_000).\(createdAt.dropFirst(20).prefix(3))"
        case "createdAtWholeMilliseconds": "\(createdAtNanoseconds / 1_000_000)"
        default: nil
        }
    }

    func createdAt(in unit: TimeUnit) -> JSONText {
        switch unit {
        case .rfc3339: .string(createdAt)
        case .seconds: .number(createdAtNanoseconds / 1_000_000_000)
        case .milliseconds: .number(createdAtNanoseconds / 1_000_000)
        case .nanoseconds: .number(createdAtNanoseconds)
        }
    }
}

/// One webhook, unsigned.
struct SampleBody: Sendable {
    let bytes: [UInt8]
    /// The ids of its events where they follow from the body; none where Tributary makes them.
    let eventIDs: [String]

    init(_ text: String, eventIDs: [String]) {
        self.init(Array(text.utf8), eventIDs: eventIDs)
    }

    init(_ bytes: [UInt8], eventIDs: [String]) {
        self.bytes = bytes
        self.eventIDs = eventIDs
    }
}
