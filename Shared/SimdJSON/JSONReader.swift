internal import CSimdJSON
package import Events
package import JSON

/// Reads a fixed set of fields out of strict JSON, and where the values to redact lie: from a whole text or from each
/// element of a batch. One per thread; its memory is used again, so results are valid until the next `read…` or
/// `select`.
///
/// A byte order mark before the text is not part of it (RFC 8259, section 8.1): it is passed over, and what is written of
/// the text has none.
package final class JSONReader {
    private let reader: OpaquePointer
    /// Where the text read last begins within its bytes.
    private var textStart = 0

    /// `fields` are JSON Pointers (RFC 6901) where they begin with a slash, otherwise object keys joined with dots; a
    /// field's index is its place in the list. `redactions` are the same, with `*` for every key or element in paths
    /// with dots, or `**.key` for that key at any depth.
    package init(fields: [String], redactions: [String]) {
        guard let reader = tributary_json_create() else { fatalError("out of memory: a JSON reader needs a few bytes") }
        self.reader = reader
        for field in fields { _ = tributary_json_want(reader, field) }
        for redaction in redactions { tributary_json_redact(reader, redaction) }
    }

    /// A reader that redacts what `credentials` say.
    package convenience init(fields: [String], credentials: Credentials) {
        self.init(fields: fields, redactions: credentials.places)
        for place in credentials.left { tributary_json_leave(reader, place) }
        if credentials.judgesForm { tributary_json_redact_credentials(reader) }
    }

    deinit {
        tributary_json_destroy(reader)
    }

    /// Validates `body`, which must be an object, and finds the fields; returns why it is refused, or nil.
    package func read(_ body: UnsafeRawBufferPointer) -> RejectionCode? {
        let text = text(of: body)
        return rejection(tributary_json_read(reader, text.baseAddress, text.count), text.count)
    }

    /// Validates `body`, which may be any JSON text (RFC 8259), and finds the fields where they lead somewhere.
    package func readValue(_ body: UnsafeRawBufferPointer) -> RejectionCode? {
        let text = text(of: body)
        return rejection(tributary_json_read_value(reader, text.baseAddress, text.count), text.count)
    }

    private func text(of body: UnsafeRawBufferPointer) -> UnsafeBufferPointer<UInt8> {
        let text = body.withoutByteOrderMark
        textStart = body.count - text.count
        return text.bindMemory(to: UInt8.self)
    }

    /// Whether a byte order mark stood before the text read last.
    package var hasByteOrderMark: Bool { textStart > 0 }

    /// How many elements a batch has, or why it is refused.
    package enum Elements: Equatable, Sendable {
        case found(Int)
        case refused(RejectionCode)
    }

    /// Validates `body` once and counts the elements of the array that `pointer` leads to (nil: the body itself). One
    /// object there counts as one element. Fields are found by `select`; elements that are not objects are counted
    /// like the others.
    package func readElements(_ body: UnsafeRawBufferPointer, at pointer: String?) -> Elements {
        let text = text(of: body)
        var count = 0
        let status = tributary_json_read_elements(reader, text.baseAddress, text.count, pointer, &count)
        return rejection(status, text.count).map { .refused($0) } ?? .found(count)
    }

    /// Whether the elements read last lie in an array, rather than being one object.
    package var isBatch: Bool { tributary_json_is_array(reader) != 0 }

    /// Finds the fields and redactions of one element, counting from 0, in time that depends on its size alone;
    /// `element_not_object` where it is none. Its range and canonical form can be had in either case.
    package func select(_ index: Int) -> RejectionCode? {
        tributary_json_select(reader, index) == TRIBUTARY_JSON_OK ? nil : .elementNotObject
    }

    /// The bytes within the body of the element selected last, or of the whole value.
    package var elementRange: Range<Int> {
        let place = tributary_json_selected(reader)
        return textStart + place.offset..<textStart + place.offset + place.length
    }

    /// The canonical form (RFC 8785) of the element selected last, or of the whole value; valid until the next call.
    /// A number beyond all doubles, for which the RFC has no form, stays as it was written.
    ///
    /// `exactNumbers`: every number keeps its value, where the RFC takes the double nearest to it. Ids are made of this
    /// form, for two large integers are two. Both are the same for numbers as programs write them.
    package func canonical(exactNumbers: Bool = false) -> UnsafeRawBufferPointer {
        var count = 0
        let bytes = tributary_json_canonical(reader, exactNumbers ? 1 : 0, &count)
        return UnsafeRawBufferPointer(start: bytes, count: count)
    }

    /// Whether the text read last has the field, whatever its value.
    package func isPresent(_ index: Int) -> Bool {
        tributary_json_get(reader, index).kind != TRIBUTARY_JSON_ABSENT
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

    /// Whether anything must be redacted in what was read or selected last.
    package var hasRedactions: Bool {
        var count = 0
        _ = tributary_json_redactions(reader, &count)
        return count > 0
    }

    /// Writes `body`, which was read last, with every value to redact replaced; everything else byte for byte.
    package func writeRedacted(_ body: UnsafeRawBufferPointer, into bytes: inout [UInt8]) {
        writeRedacted(body, textStart..<body.count, into: &bytes)
    }

    /// Writes the element selected last of `body` in the same way.
    package func writeRedactedElement(of body: UnsafeRawBufferPointer, into bytes: inout [UInt8]) {
        writeRedacted(body, elementRange, into: &bytes)
    }

    private func writeRedacted(_ body: UnsafeRawBufferPointer, _ place: Range<Int>, into bytes: inout [UInt8]) {
        var count = 0
        let ranges = UnsafeBufferPointer(start: tributary_json_redactions(reader, &count), count: count)
        var offset = place.lowerBound
        for range in ranges {
            let start = textStart + range.offset
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: body[offset..<start]))
            bytes.append(contentsOf: #""[redacted]""#.utf8)
            offset = start + range.length
        }
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: body[offset..<place.upperBound]))
    }

    private func rejection(_ status: tributary_json_status, _ byteCount: Int) -> RejectionCode? {
        switch status {
        case TRIBUTARY_JSON_OK: nil
        case TRIBUTARY_JSON_TOO_DEEP: .bodyTooDeep
        case TRIBUTARY_JSON_NOT_OBJECT: .bodyNotObject
        case TRIBUTARY_JSON_NOT_ARRAY: .bodyNotArray
        case TRIBUTARY_JSON_NO_MEMORY:
            fatalError("out of memory: JSON of \(byteCount) bytes could not be parsed; lower ingress.max_body_bytes")
        default: .bodyNotJSON
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes behind a byte order mark in UTF-8; all of them where there is none.
    package var withoutByteOrderMark: UnsafeRawBufferPointer {
        guard count >= 3, self[0] == 0xEF, self[1] == 0xBB, self[2] == 0xBF else { return self }
        return UnsafeRawBufferPointer(rebasing: self[3...])
    }
}

extension Credentials {
    /// What a subscriber gets to see of a text that is judged by its form: itself, or that it is hidden.
    package static func shown(_ text: String) -> String {
        var text = text
        let isCredential = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { tributary_json_is_credential($0.baseAddress, $0.count) != 0 }
        }
        return isCredential ? "[redacted]" : text
    }
}
