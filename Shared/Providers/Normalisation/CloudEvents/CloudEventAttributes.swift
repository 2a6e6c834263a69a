import Events
import JSON
import Primitives
import Providers
import Wire

/// Why one published event is refused, with a sentence that names the attribute.
struct EventProblem: Error {
    let code: RejectionCode
    let detail: String

    static func missing(_ name: String) -> EventProblem {
        EventProblem(code: .attributeMissing, detail: "`\(name)` is missing or empty")
    }

    static func invalid(_ name: String, _ why: String) -> EventProblem {
        EventProblem(code: .attributeInvalid, detail: "`\(name)` \(why)")
    }
}

/// Checks the attributes of one published event (CloudEvents 1.0.2, "Context Attributes") and puts them in a draft.
struct CloudEventAttributes {
    /// Most attributes of one event beside those that CloudEvents defines.
    static let mostExtensions = 64
    /// Longest name of one; the specification advises 20.
    static let mostNameBytes = 64

    private var seen: Set<String> = []

    /// Takes one attribute over. `name` is as sent, `value` its canonical text.
    mutating func take(_ name: String, _ value: String, into draft: inout EventDraft) throws(EventProblem) {
        guard !name.isEmpty, name.utf8.count <= Self.mostNameBytes,
            name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) })
        else {
            throw .invalid(String(name.prefix(Self.mostNameBytes)), "is no name of lower-case letters and digits")
        }
        guard seen.insert(name).inserted else { throw .invalid(name, "is there more than once") }
        if name == "specversion" {
            if value != "1.0" { throw .invalid(name, "is not 1.0") }
            return
        }
        if CloudEventsProvider.reserved.contains(name) { throw .invalid(name, "is given by the gateway") }
        if value.isEmpty { throw .missing(name) }
        let bytes = try Self.checked(name, value)
        switch name {
        case "id":
            if bytes.count > 1024 { throw .invalid(name, "is longer than 1024 bytes") }
            draft.id = bytes
        case "source":
            try Self.checkURI(name, value)
            if value.hasPrefix("/sources/") { throw .invalid(name, "begins with /sources/, which the gateway gives") }
            draft.ownSource = bytes
        case "type":
            if value.hasPrefix(CanonicalTypeName.prefix) {
                throw .invalid(name, "begins with \(CanonicalTypeName.prefix), which the gateway gives")
            }
            draft.type = bytes
            draft.providerType = bytes
        case "subject": draft.subject = bytes
        case "partitionkey": draft.partitionKey = bytes
        case "time":
            let isRead = bytes.withUnsafeBytes { EventTime.append(text: $0, to: &draft.time) }
            if !isRead { throw .invalid(name, "is not RFC 3339") }
        case "datacontenttype":
            try Self.checkMediaType(name, value)
            draft.contentType = bytes
        default:
            if name == "dataschema" { try Self.checkURI(name, value) }
            if name == "traceparent", !bytes.withUnsafeBytes({ TraceContext.isValid($0) }) {
                throw .invalid(name, "is no W3C trace context")
            }
            if draft.extensions.count == Self.mostExtensions {
                throw .invalid(name, "is one more than the \(Self.mostExtensions) extension attributes of an event")
            }
            draft.extensions.append((Array(name.utf8), bytes))
        }
    }

    /// Throws what every event must have and this has not.
    func checkComplete() throws(EventProblem) {
        for name in ["specversion", "id", "source", "type"] where !seen.contains(name) { throw .missing(name) }
    }

    /// The value, where CloudEvents allows all of its characters.
    private static func checked(_ name: String, _ value: String) throws(EventProblem) -> [UInt8] {
        var bytes: [UInt8] = []
        let given = Array(value.utf8)
        given.withUnsafeBytes { AttributeText.append($0, to: &bytes) }
        guard bytes == given else {
            throw .invalid(
                name, "is longer than \(AttributeText.maxBytes) bytes or has characters that CloudEvents forbids")
        }
        return bytes
    }

    /// It becomes the content type of deliveries: one line, and none that would make receivers read the data as events.
    private static func checkMediaType(_ name: String, _ value: String) throws(EventProblem) {
        let essence = value.prefix { $0 != ";" && $0 != " " }
        let parts = essence.split(separator: "/", omittingEmptySubsequences: false)
        let isOne = value.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") }
        guard isOne, value.utf8.count <= 255, parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
            throw .invalid(name, "is no media type")
        }
        if essence.lowercased().hasPrefix("application/cloudevents") {
            throw .invalid(name, "says that the data is an event, and receivers would take it for one")
        }
    }

    private static func checkURI(_ name: String, _ value: String) throws(EventProblem) {
        let forbidden: Set<UInt8> = Set("\"<>\\^`{|} ".utf8)
        guard value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !forbidden.contains($0) }) else {
            throw .invalid(name, "is no URI reference (RFC 3986)")
        }
    }
}
