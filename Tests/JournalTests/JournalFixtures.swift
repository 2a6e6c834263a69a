import CommitLog
import Glibc
import Journal
import MemoryDisk
import Wire

/// A folder of its own for one test, removed when the value goes.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/tributary-journal-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no temporary folder can be made") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        let files = SystemFiles()
        for name in (try? files.names(in: path)) ?? [] {
            if unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        }
        rmdir(path)
    }
}

/// A journal of three segments at least, each with room for a few small commits.
func options(segments: Int = 64) -> SegmentLog.Options {
    SegmentLog.Options(segmentBytes: 6 * 4096, mostSegments: segments, recordBytes: 4000)
}

/// A journal on a disk in memory.
func openJournal(on disk: MemoryDisk, segments: Int = 64) throws -> Journal {
    try Journal(path: "journal", options(segments: segments), files: disk)
}

/// A batch of webhooks whose bodies are the given texts.
func batch(_ bodies: [String]) -> RecordBatch {
    var writer = ByteWriter()
    var ends: [Int] = []
    for body in bodies {
        Array("stream".utf8).withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: 1) { writer in
                Array(body.utf8).withUnsafeBytes { writer.section(.body, $0) }
            }
        }
        ends.append(writer.count)
    }
    return RecordBatch(written: writer.bytes, ends: ends)
}

/// One webhook as read back from a journal.
struct Stored: Equatable {
    var journal: JournalID
    var sequence: UInt64
    var body: String
}

/// Every webhook in the batches; checks that each envelope is whole and its checksum right.
func stored(_ batches: [RecordBatch]) throws -> [Stored] {
    var found: [Stored] = []
    for batch in batches {
        precondition(batch.isWhole, "a batch holds as many envelopes as it says")
        for index in batch.indices {
            try batch.withRecord(index) { envelope in
                let view = try EnvelopeView(envelope)
                let isNext = view.sequence == batch.first + UInt64(index)
                precondition(view.isIntact && isNext, "a stored envelope is sealed and in order")
                let body = String(decoding: view.section(.body) ?? .init(start: nil, count: 0), as: UTF8.self)
                found.append(Stored(journal: view.journal, sequence: view.sequence, body: body))
            }
        }
    }
    return found
}

extension Journal {
    /// Everything from `sequence` on.
    func all(from sequence: UInt64 = 1) throws -> [Stored] {
        try stored(read(from: sequence, maxRecords: .max, maxBytes: .max))
    }
}
