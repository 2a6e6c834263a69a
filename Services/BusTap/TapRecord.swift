import Events
import Wire

/// One record as it passed one hop, decoded. Only what is shown or filtered by is decoded.
struct TapRecord {
    struct Event {
        var attributes: [(name: String, value: String)]
        var payload: [UInt8]?

        func attribute(_ name: String) -> String? { attributes.first { $0.name == name }?.value }
        /// The canonical type without its prefix.
        var type: String { CanonicalTypeName.short(attribute("type") ?? "") }
    }

    let origin: HelloNotice
    let journal: JournalID
    let sequence: UInt64
    let source: String
    let receivedAtNanoseconds: Int64
    let flags: EnvelopeFlags
    let resends: UInt8
    let isIntact: Bool
    private(set) var fields: [(name: String, value: String)] = []
    private(set) var body: [UInt8] = []
    private(set) var verification: Verification?
    private(set) var rejections: [Rejection] = []
    private(set) var stamps: [StageStamp] = []
    private(set) var events: [Event] = []

    init(_ envelope: EnvelopeView, at origin: HelloNotice) {
        self.origin = origin
        journal = envelope.journal
        sequence = envelope.sequence
        source = envelope.source
        receivedAtNanoseconds = envelope.receivedAtNanoseconds
        flags = envelope.flags
        resends = envelope.resends
        isIntact = envelope.isIntact
        var sections: [(SectionTag, UnsafeRawBufferPointer)] = []
        envelope.forEachSection { tag, content in
            sections.append((tag, content))
            return true
        }
        for (tag, content) in sections { take(tag, content) }
        events = Self.events(of: envelope)
    }

    private mutating func take(_ tag: SectionTag, _ content: UnsafeRawBufferPointer) {
        switch tag {
        case .requestHead:
            var found: [(name: String, value: String)] = []
            RequestHead(content).forEachField { name, value in
                found.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
                return true
            }
            fields = found
        case .body, .inflatedBody: body = Array(content)
        case .verification: verification = try? Verification(section: content)
        case .rejection: (try? Rejection(section: content)).map { rejections.append($0) }
        case .stamp: (try? StageStamp(content)).map { stamps.append($0) }
        default: break
        }
    }

    private static func events(of envelope: EnvelopeView) -> [Event] {
        var events: [Event] = []
        try? envelope.forEachEvent { event in
            var attributes: [(name: String, value: String)] = []
            AttributeList(event.attributeBytes).forEach { name, value in
                attributes.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
                return true
            }
            events.append(Event(attributes: attributes, payload: event.payload.map { Array($0) }))
        }
        return events
    }
}
