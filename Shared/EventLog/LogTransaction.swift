import Events
package import Wire

/// What one commit of the router holds: new events, refused webhooks and watermarks, which are on disk as a whole or not
/// at all, and the progress of lanes, which follows in the state.
package struct LogTransaction {
    /// A row in the making.
    struct Row {
        var records: ByteWriter
        /// Of the events' names, one each.
        var hashes: [UInt128] = []
        /// Of the signed contents that have to be remembered, for some events.
        var contents: [UInt128] = []
        var starts: [Int] = []
    }

    private(set) var rows: [Row] = []
    private var names: Set<UInt128> = []
    private var contents: Set<UInt128> = []
    private let eventsPerRow: Int
    private let bytesPerRow: Int
    /// What may still come in.
    private var expectedBytes: Int
    /// When the router took the records up: nanoseconds since 1970.
    package let takenAtNanoseconds: Int64
    package private(set) var eventCount = 0
    /// About what this takes in the log.
    package private(set) var byteCount = 0
    private(set) var rejected: [QuarantinedWebhook] = []
    package var watermarks: [JournalID: UInt64] = [:]
    package var progress: [LaneProgress] = []

    /// `expectedRecords`, `expectedBytes`: how many it will be made from, and how long these are together, so that
    /// nothing need grow.
    package init(
        settings: EventLogSettings, takenAtNanoseconds: Int64, expectedRecords: Int = 0, expectedBytes: Int = 0
    ) {
        eventsPerRow = settings.eventsPerRow
        bytesPerRow = settings.bytesPerRow
        self.expectedBytes = expectedBytes
        self.takenAtNanoseconds = takenAtNanoseconds
        names.reserveCapacity(expectedRecords)
    }

    package var isEmpty: Bool {
        !hasFacts && progress.isEmpty
    }

    /// Whether there is anything for the log.
    var hasFacts: Bool { eventCount > 0 || !rejected.isEmpty || !watermarks.isEmpty }

    /// Adds an event at the end.
    mutating func append(
        _ event: CanonicalEventView, of envelope: EnvelopeView, name: UInt128, content: UInt128? = nil
    ) {
        append(name: name, content: content) { EventRecord.write(event, of: envelope, to: &$0) }
    }

    /// Adds an event of this gateway itself at the end.
    mutating func append(_ event: OwnEvent, name: UInt128) {
        append(name: name, content: nil) { EventRecord.write(event, to: &$0) }
    }

    @inline(__always)
    private mutating func append(name: UInt128, content: UInt128?, write: (inout ByteWriter) -> Void) {
        if rows.last.map({ $0.hashes.count >= eventsPerRow || $0.records.count >= bytesPerRow }) ?? true {
            expectedBytes -= rows.last?.records.count ?? 0
            rows.append(Row(records: ByteWriter(reservingBytes: max(0, min(expectedBytes, bytesPerRow)))))
        }
        let row = rows.count - 1
        rows[row].hashes.append(name)
        names.insert(name)
        if let content {
            rows[row].contents.append(content)
            contents.insert(content)
        }
        rows[row].starts.append(rows[row].records.count + 4)
        let start = rows[row].records.count
        write(&rows[row].records)
        byteCount += rows[row].records.count - start + 32
        eventCount += 1
    }

    /// Adds the entries of a refused webhook, which share its head and body.
    package mutating func quarantine(_ entries: [QuarantinedWebhook]) {
        byteCount += (entries.first.map { $0.head.count + $0.body.count } ?? 0)
        for entry in entries { byteCount += 128 + entry.detail.utf8.count + 4 * entry.elements.count }
        rejected += entries
    }

    /// Whether an event of that name, or of that content, is already part of this transaction.
    func contains(name: UInt128) -> Bool { names.contains(name) }
    func contains(content: UInt128) -> Bool { contents.contains(content) }
}
