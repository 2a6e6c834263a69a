package import Events
package import Wire

/// What one commit of the router holds: new events, refused webhooks, watermarks and the progress of lanes. Either all
/// of it is on disk or nothing is.
package struct LogTransaction {
    /// A row in the making.
    struct Row {
        var records = ByteWriter(reservingBytes: 16 * 1024)
        /// Of the events' names, one each.
        var hashes: [UInt64] = []
        /// Of the signed contents that have to be remembered, for some events.
        var contents: [UInt64] = []
        var starts: [Int] = []
        var summary = BatchSummary()
        var earliest = Int64.max
        var latest = Int64.min
    }

    private(set) var rows: [Row] = []
    /// Where the events of this transaction are, by the hash of their name.
    private var pending: [UInt64: [(row: Int, index: Int)]] = [:]
    private var pendingContents: Set<UInt64> = []
    private let eventsPerRow: Int
    private let bytesPerRow: Int
    /// When the router took the records up: nanoseconds since 1970.
    package let takenAtNanoseconds: Int64
    package private(set) var eventCount = 0
    package var rejected: [QuarantinedWebhook] = []
    package var watermarks: [JournalID: UInt64] = [:]
    package var progress: [LaneProgress] = []

    package init(settings: EventLogSettings, takenAtNanoseconds: Int64) {
        eventsPerRow = settings.eventsPerRow
        bytesPerRow = settings.bytesPerRow
        self.takenAtNanoseconds = takenAtNanoseconds
    }

    package var isEmpty: Bool {
        eventCount == 0 && rejected.isEmpty && watermarks.isEmpty && progress.isEmpty
    }

    /// Adds an event at the end.
    package mutating func append(
        _ event: CanonicalEventView, of envelope: EnvelopeView, nameHash: UInt64, contentHash: UInt64? = nil
    ) {
        if rows.last.map({ $0.hashes.count >= eventsPerRow || $0.records.count >= bytesPerRow }) ?? true {
            rows.append(Row())
        }
        let row = rows.count - 1
        pending[nameHash, default: []].append((row, rows[row].hashes.count))
        rows[row].hashes.append(nameHash)
        if let contentHash {
            rows[row].contents.append(contentHash)
            pendingContents.insert(contentHash)
        }
        rows[row].starts.append(rows[row].records.count + 4)
        EventRecord.write(event, of: envelope, to: &rows[row].records)
        rows[row].summary.add(
            source: envelope.sourceBytes, type: event.type, names: [event.id, event.subject, event.partitionKey])
        rows[row].earliest = min(rows[row].earliest, envelope.receivedAtNanoseconds)
        rows[row].latest = max(rows[row].latest, envelope.receivedAtNanoseconds)
        eventCount += 1
    }

    /// Whether an event with that content is already part of this transaction.
    func contains(contentHash: UInt64) -> Bool { pendingContents.contains(contentHash) }

    /// Whether an event of that source with that id is already part of this transaction.
    func contains(
        source: UnsafeRawBufferPointer, origin: UnsafeRawBufferPointer?, id: UnsafeRawBufferPointer, nameHash: UInt64
    ) -> Bool {
        guard let places = pending[nameHash] else { return false }
        return places.contains { place in
            let row = rows[place.row]
            return row.records.bytes.withUnsafeBytes { bytes in
                let start = row.starts[place.index]
                let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start - 4, as: UInt32.self))
                let content = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(length)])
                guard let record = try? EventRecord(content) else { return false }
                return record.isNamed(source: source, origin: origin, id: id)
            }
        }
    }
}

extension EventRecord {
    /// Whether this is the event of that source with that id, byte for byte. `origin`: the event's own `source`, within
    /// which its id is unique where one configured source takes events of several.
    func isNamed(source: UnsafeRawBufferPointer, origin: UnsafeRawBufferPointer?, id: UnsafeRawBufferPointer) -> Bool {
        guard self.source.count == source.count, self.source.elementsEqual(source),
            let ownID = attribute("id"), ownID.count == id.count
        else { return false }
        guard let origin, let ownOrigin = attribute("source") else { return ownID.elementsEqual(id) }
        return ownID.elementsEqual(id) && ownOrigin.elementsEqual(origin)
    }
}
