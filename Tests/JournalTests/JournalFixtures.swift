import Glibc
import Journal
import Wire

/// A folder of its own for one test, removed when the value goes.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/tributary-journal-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no temporary folder can be made") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in ["journal.db", "journal.db-wal", "journal.db-journal", "journal.db-shm"] {
            unlink("\(path)/\(name)")
        }
        rmdir(path)
    }
}

/// Reads a whole file; empty where there is none.
func contents(of path: String) -> [UInt8] {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(file, &chunk, chunk.count)
        guard count > 0 else { return bytes }
        bytes += chunk[..<count]
    }
}

/// Writes a whole file anew.
func write(_ bytes: ArraySlice<UInt8>, to path: String) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    precondition(file >= 0, "the test can write \(path)")
    defer { close(file) }
    bytes.withUnsafeBytes { precondition(write(file, $0.baseAddress, $0.count) == $0.count, "the disk has space") }
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
