import CommitLog
import Journal
import Wire

/// What the journal does with webhooks beside the disk's own work.
enum Journaling {
    /// In one commit, in pieces as event loops hand them over.
    static let webhooks = 20
    private static let pieces = 4

    /// Numbers, seals and stores webhooks of Stream, and gives the former ones free.
    static func append() -> () -> Void {
        var writer = ByteWriter()
        Array("stream".utf8).withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: 1) {
                $0.section(.body) { $0.raw(Cases.streamBody) }
            }
        }
        let record = writer.bytes
        let each = webhooks / pieces
        let bytes = Array((0..<each).map { _ in record }.joined())
        let ends = (1...each).map { $0 * record.count }
        let options = SegmentLog.Options(segmentBytes: 1 << 30, mostSegments: 3, recordBytes: 1 << 20)
        guard let journal = try? Journal(path: "journal", options, files: NoDisk()) else {
            preconditionFailure("a journal begins without a disk")
        }
        return {
            let batches = (0..<pieces).map { _ in RecordBatch(written: bytes, ends: ends) }
            guard let sealed = try? journal.append(batches), let last = sealed.last?.last,
                (try? journal.settle(through: last)) != nil
            else { preconditionFailure("there is room") }
        }
    }
}

/// A file system that takes everything and keeps nothing.
private final class NoDisk: LogFileSystem {
    func makeFolder(_ path: String) throws(SystemError) {}
    func lock(_ path: String) throws(SystemError) -> AnyObject { self }
    func names(in path: String) throws(SystemError) -> [String] { [] }
    func open(_ path: String, _ mode: LogFileMode) throws(SystemError) -> any LogFile { NoFile() }
    func unlink(_ path: String) throws(SystemError) {}
    func syncFolder(_ path: String) throws(SystemError) {}
}

private final class NoFile: LogFile {
    let alignment = 4096
    let isDirect = true
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int { bytes.count }
    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int { 0 }
    func allocate(byteCount: Int) throws(SystemError) {}
    func flush() throws(SystemError) {}
    func byteCount() throws(SystemError) -> Int { 0 }
    func linkCount() throws(SystemError) -> Int { 1 }
}
