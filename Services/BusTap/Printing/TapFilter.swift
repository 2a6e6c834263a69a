package import Events
import JSON
import Wire

/// Which records are shown. Every part is optional; `*` stands for any text.
package struct TapFilter {
    package var source: [UInt8]?
    /// Without the prefix that all types have.
    package var type: WildcardPattern?
    package var subject: WildcardPattern?
    package var id: TapID?
    /// Whether only what was refused, as a whole or in part, is meant.
    package var isRejected = false
    /// What the body, or the data of one event, must have.
    package var conditions: [TapCondition] = []

    package init() {}

    package func passes(_ record: TapRecord) -> Bool {
        let envelope = record.envelope
        if let source, !envelope.sourceBytes.elementsEqual(source) { return false }
        if isRejected, envelope.section(.rejection) == nil, !envelope.flags.contains(.tombstone) { return false }
        return passesByEvents(record) && (conditions.isEmpty || passesByContent(record))
    }

    private func passesByEvents(_ record: TapRecord) -> Bool {
        var hasID = id?.names(record.envelope) ?? true
        var hasType = type == nil
        var hasSubject = subject == nil
        if hasID, hasType, hasSubject { return true }
        record.forEachEvent { event in
            if let id, id.names(event) { hasID = true }
            if let type, type.matches(event.shortType) { hasType = true }
            if let subject, subject.matches(event.subject ?? .empty) { hasSubject = true }
        }
        return hasID && hasType && hasSubject
    }

    private func passesByContent(_ record: TapRecord) -> Bool {
        func hold(_ bytes: [UInt8]) -> Bool {
            guard let value = JSONValue.read(bytes) else { return false }
            return conditions.allSatisfy { $0.holds(in: value) }
        }
        if hold(record.body) { return true }
        var isHeld = false
        record.forEachEvent { event in
            guard !isHeld, !event.isWholeBody, let payload = event.payload else { return }
            isHeld = hold(Array(payload))
        }
        return isHeld
    }
}

/// What people have in hand of one webhook: the id of an event of it, the id under which its provider sent it, its
/// sequence, or what the ingress answered, `<journal>-<sequence>`.
package struct TapID {
    private let text: [UInt8]

    package init(_ text: String) {
        self.text = Array(text.utf8)
    }

    func names(_ record: TapRecord) -> Bool {
        var isNamed = names(record.envelope)
        if !isNamed { record.forEachEvent { isNamed = isNamed || names($0) } }
        return isNamed
    }

    func names(_ envelope: EnvelopeView) -> Bool {
        let sequence = String(envelope.sequence)
        if text.elementsEqual(sequence.utf8) { return true }
        if text.count > 33, text[32] == UInt8(ascii: "-"),
            text.elementsEqual("\(envelope.journal)-\(sequence)".utf8)
        {
            return true
        }
        return isSentAs(envelope)
    }

    /// Whether a header field such as `webhook-id` has it.
    private func isSentAs(_ envelope: EnvelopeView) -> Bool {
        guard let head = envelope.section(.requestHead) else { return false }
        var isFound = false
        RequestHead(head).forEachField { name, value in
            isFound = name.count > 3 && name.suffix(3).elementsEqual("-id".utf8) && value.elementsEqual(text)
            return !isFound
        }
        return isFound
    }

    func names(_ event: CanonicalEventView) -> Bool { event.id?.elementsEqual(text) == true }
}

/// A value that a JSON text must have at a place: `/call/id=abc`, or any at all: `/call/id`.
package struct TapCondition {
    private let pointer: JSONPointer
    private let value: String?

    /// Nil where what stands before the first `=` is no JSON Pointer, or an empty one.
    package init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let place = parts.first, !place.isEmpty, let pointer = JSONPointer(place) else { return nil }
        self.pointer = pointer
        value = parts.count > 1 ? String(parts[1]) : nil
    }

    func holds(in document: JSONValue) -> Bool {
        guard let found = pointer.value(in: document) else { return false }
        guard let value else { return true }
        return switch found {
        case .null, .array, .object: JSONValue.read(Array(value.utf8)) == found
        case .bool, .number, .string: found.text == value
        }
    }
}

extension CanonicalEventView {
    /// The canonical type without its prefix.
    var shortType: UnsafeRawBufferPointer {
        let type = type ?? .empty
        let prefix = CanonicalTypeName.prefix.utf8
        return type.starts(with: prefix) ? UnsafeRawBufferPointer(rebasing: type[prefix.count...]) : type
    }
}

extension UnsafeRawBufferPointer {
    static var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}
