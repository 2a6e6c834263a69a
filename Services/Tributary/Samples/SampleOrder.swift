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
    /// With nanoseconds, as Stream writes it: no two webhooks of it have the same body.
    var createdAtPrecisely: String {
        "\(createdAt.dropLast())\(String(1000 + createdAtNanoseconds % 1000).dropFirst())Z"
    }
    /// RFC 3339 with three digits of a second, as JavaScript writes it.
    var createdAtMilliseconds: String { "\(createdAt.prefix(23))Z" }
    /// Whole seconds since 1970.
    var createdAtSeconds: Int64 { createdAtNanoseconds / 1_000_000_000 }

    func createdAt(in unit: TimeUnit) -> JSONText {
        switch unit {
        case .rfc3339: .string(createdAt)
        case .seconds: .number(createdAtSeconds)
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

/// Samples that are written a line each: the type, a blank, and the JSON that is the sample's own.
enum SampleTable {
    static func rows(_ text: String) -> [(type: String, json: String)] {
        text.split(separator: "\n").map { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            return (String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
        }
    }
}
