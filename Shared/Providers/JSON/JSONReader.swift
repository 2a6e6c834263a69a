internal import CSimdJSON
package import Events

/// Reads a fixed set of fields out of strict JSON objects, and where the values to redact lie. One per thread; its
/// memory is used again, so results are valid until the next `read`.
package final class JSONReader {
    private let reader: OpaquePointer

    /// `fields` are paths of object keys joined with dots; a field's index is its place in the list. `redactions` are
    /// paths with `*` for every key or element, or `**.key` for that key at any depth.
    package init(fields: [String], redactions: [String]) {
        guard let reader = tributary_json_create() else { fatalError("out of memory: a JSON reader needs a few bytes") }
        self.reader = reader
        for field in fields { _ = tributary_json_want(reader, field) }
        for redaction in redactions { tributary_json_redact(reader, redaction) }
    }

    deinit {
        tributary_json_destroy(reader)
    }

    /// Validates `body` and finds the fields; returns why it is refused, or nil.
    package func read(_ body: UnsafeRawBufferPointer) -> RejectionCode? {
        switch tributary_json_read(reader, body.bindMemory(to: UInt8.self).baseAddress, body.count) {
        case TRIBUTARY_JSON_OK: nil
        case TRIBUTARY_JSON_TOO_DEEP: .bodyTooDeep
        case TRIBUTARY_JSON_NOT_OBJECT: .bodyNotObject
        case TRIBUTARY_JSON_NO_MEMORY:
            fatalError("out of memory: JSON of \(body.count) bytes could not be parsed; lower ingress.max_body_bytes")
        default: .bodyNotJSON
        }
    }

    /// The text of a field whose value is a string; nil for every other value.
    package func string(_ index: Int) -> UnsafeRawBufferPointer? {
        let field = tributary_json_get(reader, index)
        return field.kind == TRIBUTARY_JSON_STRING
            ? UnsafeRawBufferPointer(start: field.text, count: field.length) : nil
    }

    /// The digits of a field whose value is a number, as they were written; nil for every other value.
    package func number(_ index: Int) -> UnsafeRawBufferPointer? {
        let field = tributary_json_get(reader, index)
        return field.kind == TRIBUTARY_JSON_NUMBER
            ? UnsafeRawBufferPointer(start: field.text, count: field.length) : nil
    }

    /// Longest text that counts as an identifier, in bytes.
    package static let identifierBytes = 1024

    /// The text of a field that names something: a string, or a number's digits. Nil where the field is missing,
    /// empty, longer than `identifierBytes` or of another type: it then names nothing.
    package func identifier(_ index: Int) -> UnsafeRawBufferPointer? {
        guard let text = string(index) ?? number(index), (1...Self.identifierBytes).contains(text.count) else {
            return nil
        }
        return text
    }

    /// Whether anything must be redacted in the text read last.
    package var hasRedactions: Bool {
        var count = 0
        _ = tributary_json_redactions(reader, &count)
        return count > 0
    }

    /// Writes `body`, which was read last, with every value to redact replaced; everything else byte for byte.
    package func writeRedacted(_ body: UnsafeRawBufferPointer, into bytes: inout [UInt8]) {
        var count = 0
        let ranges = UnsafeBufferPointer(start: tributary_json_redactions(reader, &count), count: count)
        var offset = 0
        for range in ranges {
            bytes.append(contentsOf: body[offset..<range.offset])
            bytes.append(contentsOf: #""[redacted]""#.utf8)
            offset = range.offset + range.length
        }
        bytes.append(contentsOf: body[offset...])
    }
}
