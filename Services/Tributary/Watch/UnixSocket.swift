import Executable
import Glibc
import JSON

/// A blocking connection to a Unix socket, for what is no HTTP: the lines of the supervisor, and who listens.
final class UnixSocket {
    private let descriptor: Int32

    /// Connects; nil where nobody listens. Throws `noPermission` where this user may not, `io` otherwise. Every read and
    /// write afterwards waits `timeoutSeconds` at most.
    init?(_ path: String, timeoutSeconds: Int) throws(StageFailure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        Self.setTimeout(of: descriptor, timeoutSeconds)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        let number = errno
        guard result == 0 else {
            Glibc.close(descriptor)
            if number == ENOENT || number == ECONNREFUSED { return nil }
            throw FileAccess.failure(path, number)
        }
        self.descriptor = descriptor
    }

    deinit { Glibc.close(descriptor) }

    /// The process that listens (SO_PEERCRED, unix(7)); nil where the kernel does not say.
    var listenerPID: Int32? {
        var credentials: [Int32] = [0, 0, 0]
        var size = socklen_t(3 * MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
        return credentials[0] > 0 ? credentials[0] : nil
    }

    /// Lets every later read and write wait as long as it takes.
    func waitForAnyTime() { Self.setTimeout(of: descriptor, 0) }

    private static func setTimeout(of descriptor: Int32, _ seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// Sends a line and gives the first that comes back of which `isLast` holds; nil where the other side ends before.
    /// Throws `unavailable` where nothing comes in time.
    func exchange(_ line: String, until isLast: (JSONValue) -> Bool) throws(StageFailure) -> JSONValue? {
        let request = Array((line + "\n").utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return nil }
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            while let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                if let answer = JSONValue.read(Array(received[..<end])), isLast(answer) { return answer }
                received.removeFirst(end + 1)
            }
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN || errno == EWOULDBLOCK {
                throw StageFailure(.unavailable, "no answer in time")
            }
            guard count > 0 else { return nil }
            received += chunk[..<count]
        }
    }
}
