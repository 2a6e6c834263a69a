import Executable
import Glibc

/// A body from a file or from standard input, byte for byte and bounded.
struct BodySource {
    /// What the ingress takes unless it is configured otherwise.
    static let defaultMostBytes = 1 << 20

    /// Nil and `-` are standard input.
    let path: String?
    let mostBytes: Int

    func read() throws(StageFailure) -> [UInt8] {
        guard let path, path != "-" else { return try read(0, "standard input") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StageFailure(.io, "body_not_readable: \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        return try read(descriptor, path)
    }

    private func read(_ descriptor: Int32, _ name: String) throws(StageFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw StageFailure(.io, "body_not_readable: \(name): \(String(cString: strerror(errno)))")
            }
            if count == 0 { return bytes }
            guard bytes.count + count <= mostBytes else {
                throw StageFailure(
                    .usage,
                    "body_too_large: \(name) holds more than \(mostBytes) bytes, which the ingress would refuse with "
                        + "413; ingress.max_body_bytes sets the limit, or --max-body-bytes here")
            }
            bytes += chunk[..<count]
        }
    }
}
