import Events
import JSON
import Primitives
import Providers
import SimdJSON
import Wire

/// Takes published CloudEvents over as they are (HTTP binding 1.0.2, JSON format 1.0.2): structured, a batch whose
/// elements are refused one by one, or, where the content type is no event format, binary, with the attributes in `ce-`
/// fields and the data as the body.
///
/// Type, source, id, subject, time, `partitionkey`, `dataschema`, content type, extension attributes and data are the
/// sender's; `CloudEventsProvider.reserved` are not. JSON data keeps its values and the digits of its numbers.
final class CloudEventsNormaliser: WebhookNormaliser {
    private let reader = JSONReader(fields: [], redactions: [])
    /// Checks data that is JSON by its content type, while `reader` is at its batch.
    private let nested = JSONReader(fields: [], redactions: [])
    private var draft = EventDraft()

    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        let contentType = webhook.accepted.head.value("content-type")
        let essence = contentType.map {
            String(decoding: $0.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 }, as: UTF8.self)
        }
        switch essence?.lowercased() {
        case CloudEventsJSON.contentType: return single(webhook, isBinary: false, into: &writer)
        case "application/cloudevents-batch+json": return batch(webhook, into: &writer)
        case let other? where other.hasPrefix("application/cloudevents"):
            let detail = "the content type is an event format that is not read; send application/cloudevents+json"
            return .refused(Rejection(.bodyNotJSON, stage: .normaliser, detail: detail))
        default: return single(webhook, isBinary: true, into: &writer)
        }
    }

    private func single(_ webhook: VerifiedWebhook, isBinary: Bool, into writer: inout ByteWriter) -> StageOutcome {
        draft.reset()
        let data: [UInt8]?
        do throws(EventProblem) {
            if isBinary {
                data = try binary(webhook)
            } else {
                if let code = reader.read(webhook.body) { return .refused(.normaliser(code)) }
                data = try structured(Array(webhook.body.withoutByteOrderMark))
            }
        } catch {
            return .refused(Rejection(error.code, stage: .normaliser, detail: error.detail))
        }
        var events = draft.openEvents(of: webhook, in: &writer)
        draft.writeElement(
            0, of: webhook, provider: CloudEventsProvider.attribute, data: data, &events, &writer)
        events.finish(in: &writer)
        return .passed
    }

    private func batch(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        let count: Int
        switch reader.readElements(webhook.body, at: nil) {
        case .found(let found): count = found
        case .refused(let code): return .refused(.normaliser(code))
        }
        guard reader.isBatch else { return .refused(.normaliser(.bodyNotArray)) }
        guard count <= CanonicalEventsWriter.mostElements else { return .refused(.normaliser(.tooManyElements)) }
        let start = writer.count
        var events = draft.openEvents(of: webhook, in: &writer)
        return events.finishBatch(of: count, for: webhook, from: start, in: &writer) { element, events, writer in
            if let code = reader.select(Int(element)) { return .normaliser(code, element: element) }
            draft.reset()
            do throws(EventProblem) {
                let data = try structured(Array(webhook.body[reader.elementRange]))
                draft.writeElement(
                    element, of: webhook, provider: CloudEventsProvider.attribute, data: data, &events, &writer)
                return nil
            } catch {
                return Rejection(error.code, stage: .normaliser, element: element, detail: error.detail)
            }
        }
    }

    // MARK: One event

    /// Fills the draft from one event in the JSON format and returns its data. A member that is null is not there.
    private func structured(_ text: [UInt8]) throws(EventProblem) -> [UInt8]? {
        guard case .object(let members)? = JSONValue.read(text) else {
            throw EventProblem(code: .elementNotObject, detail: "the event is not a JSON object")
        }
        var attributes = CloudEventAttributes()
        var data: JSONValue?
        var base64: String?
        for member in members where member.value != .null || member.name == "data" {
            switch (member.name, member.value) {
            case ("data", let value):
                if data != nil { throw .invalid("data", "is there more than once") }
                data = value
            case ("data_base64", .string(let text)):
                if base64 != nil { throw .invalid("data_base64", "is there more than once") }
                base64 = text
            case (let name, .string(let text)): try attributes.take(name, text, into: &draft)
            case (let name, .bool(let value)): try attributes.take(name, value ? "true" : "false", into: &draft)
            case (let name, .number(let digits)) where Int32(digits) != nil:
                try attributes.take(name, digits, into: &draft)
            case (let name, _):
                throw .invalid(
                    String(name.prefix(CloudEventAttributes.mostNameBytes)),
                    "is neither a text nor a boolean nor an integer of 32 bits")
            }
        }
        try attributes.checkComplete()
        if let base64 {
            guard data == nil else { throw .invalid("data_base64", "is there together with `data`") }
            guard let bytes = Array(base64.utf8).withUnsafeBytes({ Base64.decode($0) }) else {
                throw .invalid("data_base64", "is not base64")
            }
            return try checked(bytes, "data_base64")
        }
        guard let data else { return nil }
        if !isJSON, case .string(let text) = data { return Array(text.utf8) }
        return data.json.bytes
    }

    /// The same of an event in binary mode.
    private func binary(_ webhook: VerifiedWebhook) throws(EventProblem) -> [UInt8]? {
        var attributes = CloudEventAttributes()
        var problem: EventProblem?
        var draft = draft
        webhook.accepted.head.forEachField { name, value in
            do throws(EventProblem) {
                if name.equals("content-type") {
                    let text = String(decoding: FieldValue.trimmed(value), as: UTF8.self)
                    if !text.isEmpty { try attributes.take("datacontenttype", text, into: &draft) }
                } else if name.count > 3, name.starts(with: "ce-".utf8) {
                    let short = String(decoding: name.dropFirst(3), as: UTF8.self)
                    if short == "datacontenttype" { throw .invalid(short, "belongs into Content-Type") }
                    try attributes.take(short, try Self.text(short, FieldValue.trimmed(value)), into: &draft)
                }
                return true
            } catch {
                problem = error
                return false
            }
        }
        self.draft = draft
        if let problem { throw problem }
        try attributes.checkComplete()
        guard !webhook.body.isEmpty else { return nil }
        return try checked(Array(webhook.body), "data")
    }

    /// A header field's text: a quoted string is unquoted, then percent escapes are undone (section 3.1.3.3).
    private static func text(_ name: String, _ value: UnsafeRawBufferPointer) throws(EventProblem) -> String {
        var bytes = Array(value)
        let quote = UInt8(ascii: "\"")
        if bytes.count >= 2, bytes.first == quote, bytes.last == quote {
            var unquoted: [UInt8] = []
            var isEscaped = false
            for byte in bytes.dropFirst().dropLast() {
                isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
                if !isEscaped { unquoted.append(byte) }
            }
            bytes = unquoted
        }
        let decoded = bytes.withUnsafeBytes { PercentCoding.decode($0, plusIsSpace: false) }
        guard let text = decoded.flatMap({ String(validating: $0, as: UTF8.self) }) else {
            throw .invalid(name, "is not percent-encoded UTF-8")
        }
        return text
    }

    private var isJSON: Bool {
        draft.contentType.isEmpty || draft.contentType.withUnsafeBytes { CloudEventsJSON.holdsJSON($0) }
    }

    /// Bytes of which the content type alone says what they are. What it calls JSON is read as JSON by subscribers.
    private func checked(_ bytes: [UInt8], _ name: String) throws(EventProblem) -> [UInt8] {
        if draft.contentType.isEmpty {
            draft.contentType = Array("application/octet-stream".utf8)
        } else if isJSON, bytes.withUnsafeBytes({ nested.readValue($0) }) != nil {
            throw .invalid(name, "is not JSON, which `datacontenttype` calls it")
        }
        return bytes
    }
}
