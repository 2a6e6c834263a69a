import EventLog
import Events
import Wire

/// What filters look at in an event, found once. A view: it must not outlive the bytes that it points into.
struct EventAttributes {
    /// The source's name in the configuration.
    var source: UnsafeRawBufferPointer
    /// The type without what every type begins with; empty where there is none, as are the others.
    var type = Self.nothing
    var provider = Self.nothing
    var subject = Self.nothing
    var key = Self.nothing
    /// The sender's trace context; filters do not look at it.
    var trace = Self.nothing
    /// Whether the gateway itself says it: only filters that name such a type take it.
    var isOfGateway = false

    /// Finds them in one pass.
    init(_ record: EventRecord) {
        source = record.source
        var found: (type: Bool, provider: Bool, subject: Bool, key: Bool) = (false, false, false, false)
        AttributeList(record.attributes).forEach { name, value in
            switch name.count {
            case 4 where !found.type && name.equals("type"):
                found.type = true
                let hasPrefix = value.starts(with: EventMatcher.typePrefix)
                type =
                    hasPrefix ? UnsafeRawBufferPointer(rebasing: value[EventMatcher.typePrefix.count...]) : value
            case 7 where !found.subject && name.equals("subject"): (found.subject, subject) = (true, value)
            case 8 where !found.provider && name.equals("provider"): (found.provider, provider) = (true, value)
            case 11 where name.equals("traceparent"): trace = value
            case 12 where !found.key && name.equals("partitionkey"): (found.key, key) = (true, value)
            default: break
            }
            return true
        }
        isOfGateway = source.isEmpty && type.starts(with: EventMatcher.gatewayPrefix)
    }

    private static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}

/// The same as places in the bytes of a row, found when the row is rendered: a thousand filters look at an event without
/// parsing it again.
struct AttributePlaces: Sendable {
    /// Attribute values are shorter than 64 KiB.
    struct Place: Sendable {
        var offset: UInt32
        var count: UInt16

        fileprivate init(_ value: UnsafeRawBufferPointer, in row: UnsafeRawBufferPointer) {
            guard let start = value.baseAddress, let base = row.baseAddress else {
                (offset, count) = (0, 0)
                return
            }
            offset = UInt32(truncatingIfNeeded: start - base)
            count = UInt16(truncatingIfNeeded: value.count)
        }

        @inline(__always)
        fileprivate func lend(_ row: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: row[Int(offset)..<(Int(offset) + Int(count))])
        }
    }

    private var source: Place
    private var type: Place
    private var provider: Place
    private var subject: Place
    private var key: Place
    private var trace: Place
    let isOfGateway: Bool
    let receivedAtNanoseconds: Int64

    /// `record` lies in `row`.
    init(_ record: EventRecord, in row: UnsafeRawBufferPointer) {
        let attributes = EventAttributes(record)
        receivedAtNanoseconds = record.receivedAtNanoseconds
        source = Place(attributes.source, in: row)
        type = Place(attributes.type, in: row)
        provider = Place(attributes.provider, in: row)
        subject = Place(attributes.subject, in: row)
        key = Place(attributes.key, in: row)
        trace = Place(attributes.trace, in: row)
        isOfGateway = attributes.isOfGateway
    }

    /// `row`: the bytes that they were found in.
    @inline(__always)
    func lend(_ row: UnsafeRawBufferPointer) -> EventAttributes {
        EventAttributes(
            source: source.lend(row), type: type.lend(row), provider: provider.lend(row), subject: subject.lend(row),
            key: key.lend(row), isOfGateway: isOfGateway)
    }

    /// The sender's trace context; empty where it sent none.
    func lendTrace(_ row: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer { trace.lend(row) }
}

extension EventAttributes {
    @inline(__always)
    fileprivate init(
        source: UnsafeRawBufferPointer, type: UnsafeRawBufferPointer, provider: UnsafeRawBufferPointer,
        subject: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, isOfGateway: Bool
    ) {
        self.source = source
        self.type = type
        self.provider = provider
        self.subject = subject
        self.key = key
        self.isOfGateway = isOfGateway
    }
}
