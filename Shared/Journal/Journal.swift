package import CommitLog
internal import Glibc
package import Wire

/// The durable, ordered list of webhooks that one ingress has accepted and the router has not yet settled.
///
/// Every webhook gets the next sequence (1, 2, 3 …) of the journal; (journal id, sequence) names it on the bus. A commit
/// is one record of a commit log, whose content is the bytes that go on the bus. Used by one thread.
package final class Journal {
    /// What the start found out, as sentences for the operator.
    package let notices: [String]
    /// The largest commit, in bytes of its batches.
    package let commitBytes: Int
    /// Everything up to here is settled.
    package private(set) var watermark: UInt64

    private let log: SegmentLog
    /// The folder, which a version that kept its journal in SQLite locks too.
    private let lock: AnyObject
    /// The first sequence that this process gave, or that the journal gave since it has its identity.
    private var firstGiven: UInt64

    /// Opens or makes the journal in `path`. `takeOver` runs before, with the folder locked, and makes a log of what a version
    /// before has left there; it returns sentences about it.
    package init(
        path: String, _ options: SegmentLog.Options, files: any LogFileSystem = SystemFiles(),
        takeOver: (_ path: String, SegmentLog.Options) throws(LogError) -> [String] = { _, _ in [] }
    ) throws(LogError) {
        do throws(SystemError) {
            try files.makeFolder(path)
            lock = try files.lock(path)
        } catch {
            throw error.logError(path)
        }
        var options = options
        options.toleratesDamage = true
        var notices = try takeOver(path, options)
        let folder = Self.logFolder(path)
        log = try SegmentLog(folder, options, files: files)
        notices += log.damage.map { "the journal in \(folder) is damaged: \($0); what is lost goes to quarantine" }
        if log.tornBytes > 0 {
            notices.append("dropped a torn commit of \(log.tornBytes) bytes that was never acknowledged")
        }
        self.notices = notices
        commitBytes = options.recordBytes
        watermark = max(log.settled, log.first - 1)
        firstGiven = log.next
        // An end in the middle of `renumber` has left some of them under their former names.
        if let end = log.formerIDs.last?.end { try move(before: end) }
        try log.trim(below: watermark + 1)
    }

    /// Whether there is one in `path`.
    package static func exists(_ path: String) -> Bool { access(logFolder(path) + "/superblock", F_OK) == 0 }

    /// The folder of the commit log in the folder of a journal.
    package static func logFolder(_ path: String) -> String { path + "/log" }

    /// The random identity of this journal. Changes only in `renumber`.
    package var id: JournalID { log.id }
    /// The sequence that the next webhook gets.
    package var nextSequence: UInt64 { log.next }
    /// About so many bytes of the disk hold what is not settled.
    package var retainedBytes: Int { log.byteCount(from: watermark + 1) }
    /// Why the journal would not take the largest commit; nil where it would.
    package var shortage: LogError? { log.shortage(for: commitBytes) }

    /// Numbers, seals and stores the batches as one commit, of `commitBytes` at most; when it returns they are on disk.
    /// When it throws, no sequence is used up, and unless the error is `failed` nothing was stored. Batches that nobody
    /// else holds are sealed where they lie.
    package func append(_ batches: consuming [RecordBatch]) throws(LogError) -> [RecordBatch] {
        var sealed = batches
        var end = nextSequence
        for index in sealed.indices {
            sealed[index].seal(journal: id, first: end)
            end = sealed[index].end
        }
        try store(sealed[...], settled: watermark)
        return sealed
    }

    /// Remembers that everything up to `sequence` is settled, and gives its space free. Lower than before or beyond the
    /// last sequence: ignored.
    package func settle(through sequence: UInt64) throws(LogError) {
        guard sequence > watermark, sequence < nextSequence else { return }
        watermark = sequence
        try log.trim(below: sequence + 1)
    }

    /// Up to `maxRecords` webhooks from `sequence` on, at least one if there is one, otherwise no more than `maxBytes`. A
    /// batch that is not whole stands for webhooks that damage has taken.
    package func read(
        from sequence: UInt64, maxRecords: Int, maxBytes: Int
    ) throws(LogError) -> [RecordBatch] {
        var found: [RecordBatch] = []
        var (records, bytes) = (0, 0)
        for entry in try log.read(from: sequence, maxBytes: maxBytes) {
            let batch =
                switch entry {
                case .record(let record):
                    RecordBatch(stored: record.content, first: record.first, count: record.count)
                case .missing(let first, let end):
                    RecordBatch(
                        stored: [], first: first, count: Int(min(end - first, UInt64(Limits.batchRecords))))
                }
            let limit = found.isEmpty ? maxBytes : maxBytes - bytes
            guard limit > 0, let part = batch.part(from: sequence, maxRecords: maxRecords - records, maxBytes: limit),
                found.isEmpty || part.byteCount <= limit
            else { break }
            found.append(part)
            records += part.count
            bytes += part.byteCount
            let next: UInt64 =
                switch entry {
                case .record(let record): record.end
                case .missing(_, let end): end
                }
            if part.end != next { break }
        }
        return found
    }

    /// Takes a new identity: for a journal that is an older copy than what the router has seen. What the copy held the
    /// router knows; what this process has given a sequence to gets another one under the new identity.
    package func renumber(newID: JournalID) throws(LogError) {
        if id != newID {
            watermark = max(watermark, firstGiven - 1)
            try log.trim(below: watermark + 1)
            try log.takeNewID(newID)
            firstGiven = nextSequence
        }
        if let end = log.formerIDs.last?.end { try move(before: end) }
    }

    /// Takes the time that is left between commits. To be called some 100 ms after the last one, and then until it returns
    /// false.
    package func idle() throws(LogError) -> Bool { try log.idle() }

    /// An orderly end: the next start has nothing to look through.
    package func close() throws(LogError) { try log.close() }

    /// Stores what is not settled and lies before `end` once more, at the end and under the present identity. Each commit
    /// settles what it moves, so that an end in the middle moves nothing twice.
    private func move(before end: UInt64) throws(LogError) {
        while watermark + 1 < end {
            let batches = try read(
                from: watermark + 1, maxRecords: Int(clamping: end - watermark - 1), maxBytes: commitBytes)
            for batch in batches {
                if batch.isWhole {
                    var moved = batch
                    moved.seal(journal: id, first: nextSequence)
                    try store([moved], settled: batch.last)
                }
                watermark = batch.last
            }
            try log.trim(below: watermark + 1)
            if batches.isEmpty { return }
        }
    }

    private func store(
        _ batches: ArraySlice<RecordBatch>, settled: UInt64
    ) throws(LogError) {
        let (first, count) = (nextSequence, batches.reduce(0) { $0 + $1.count })
        var parts: [UnsafeRawBufferPointer] = []
        _ = try Self.withBytes(of: batches, &parts) { parts in
            log.append(LogRecord(first: first, count: count, settled: settled, parts: parts))
        }.get()
    }

    /// Lends the bytes of all batches at the same time.
    private static func withBytes(
        of batches: ArraySlice<RecordBatch>, _ parts: inout [UnsafeRawBufferPointer],
        _ body: ([UnsafeRawBufferPointer]) -> Result<Int, LogError>
    ) -> Result<Int, LogError> {
        guard let first = batches.first else { return body(parts) }
        return first.withBytes { bytes in
            parts.append(bytes)
            return withBytes(of: batches.dropFirst(), &parts, body)
        }
    }
}
