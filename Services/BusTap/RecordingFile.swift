import Executable
import Glibc
import Wire

/// A file that a tap writes what passes into. It holds payloads and tokens, so only its owner may read it.
final class RecordingFile {
    private let path: String
    private let descriptor: Int32
    private var waiting = ByteWriter()

    /// Whether it is standard output, which then has nothing else.
    var isStandardOutput: Bool { descriptor == 1 }
    var waitingBytes: Int { waiting.count }

    init(_ path: String, replaces: Bool) throws(StageFailure) {
        self.path = path
        guard path != "-" else {
            descriptor = 1
            return
        }
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (replaces ? O_TRUNC : O_EXCL), 0o600)
        guard descriptor >= 0 else {
            if errno == EEXIST { throw StageFailure(.io, "\(path) is there already; --force replaces it") }
            throw FileAccess.failure(path, errno)
        }
        // One that was there keeps its mode otherwise.
        fchmod(descriptor, 0o600)
    }

    func append(_ header: LinkHeader, _ notice: TapNotice, batch: [UInt8], count: Int) {
        Recording.append(header, notice, batch: batch, count: count, to: &waiting)
    }

    /// Writes what waits. False where standard output has no reader any more.
    func flush() throws(StageFailure) -> Bool {
        let number = waiting.bytes.withUnsafeBytes { FileDescriptorText.write($0, to: descriptor) }
        waiting.bytes.removeAll(keepingCapacity: true)
        if number == EPIPE { return false }
        guard number == 0 else { throw FileAccess.failure(path, number) }
        return true
    }

    /// Gives a recording to `output` as the bus would have; `-` is standard input.
    static func play(
        _ path: String, isMeant: (_ instance: String) -> Bool, into output: TapOutput
    ) throws(StageFailure) {
        var reader = RecordingReader(try FileChunks.open(path))
        while !output.isDone {
            let next: RecordingReader.Transmission?
            do throws(WireError) {
                next = try reader.next()
            } catch {
                guard try output.flush() else { return }
                throw StageFailure(.io, "\(path) \(error.asRecording)")
            }
            guard let next else { break }
            next.batch.withUnsafeBytes {
                output.take($0, next.header, next.notice, isMeant: isMeant(next.notice.hello.instance))
            }
            if output.isFull || output.isDone, try !output.flush() { return }
        }
        _ = try output.flush()
    }
}
