package import Events
import Wire

/// Which records are shown. Every part is optional; `*` stands for any text.
package struct TapFilter {
    package var source: [UInt8]?
    /// Without the prefix that all types have.
    package var type: WildcardPattern?
    package var subject: WildcardPattern?
    /// Of an event, or the sequence of a webhook.
    package var id: [UInt8]?
    /// Whether only what was refused, as a whole or in part, is meant.
    package var isRejected = false

    package init() {}

    package func passes(_ record: TapRecord) -> Bool {
        let envelope = record.envelope
        if let source, !envelope.sourceBytes.elementsEqual(source) { return false }
        if isRejected, envelope.section(.rejection) == nil, !envelope.flags.contains(.tombstone) { return false }
        if id == nil, type == nil, subject == nil { return true }
        var hasID = id.map { $0.elementsEqual(String(envelope.sequence).utf8) } ?? true
        var hasType = type == nil
        var hasSubject = subject == nil
        record.forEachEvent { event in
            if let id, event.id?.elementsEqual(id) == true { hasID = true }
            if let type, type.matches(event.shortType) { hasType = true }
            if let subject, subject.matches(event.subject ?? .empty) { hasSubject = true }
        }
        return hasID && hasType && hasSubject
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
