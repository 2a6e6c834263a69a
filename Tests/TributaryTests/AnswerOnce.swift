import Glibc
import Synchronization
import Testing
import Threads

/// Answers one connection to a Unix socket with these bytes, whatever it is asked, and closes it; nil: says nothing until
/// the other side has gone.
final class AnswerOnce: Sendable {
    private final class Heard: Sendable {
        let text = Mutex("")
    }

    private let thread: BlockingThread
    private let heard = Heard()

    var asked: String { heard.text.withLock { $0 } }

    init(_ path: String, answer: String?) throws {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        unlink(path)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(listener, 1) == 0)
        thread = BlockingThread(name: "supervisor") { [heard] in
            let connection = accept(listener, nil, nil)
            var bytes = [UInt8](repeating: 0, count: 1000)
            let count = recv(connection, &bytes, bytes.count, 0)
            heard.text.withLock { $0 = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) }
            if let answer {
                _ = send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
                shutdown(connection, Int32(SHUT_WR))
            }
            // What was not read when a connection is closed would take the answer along.
            while recv(connection, &bytes, bytes.count, 0) > 0 {}
            close(connection)
            close(listener)
        }
    }

    func join() { thread.join() }
}
