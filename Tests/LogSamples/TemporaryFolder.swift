import EventLog
import Foundation

/// A folder of its own that goes with the test.
package final class TemporaryFolder {
    /// Without a slash at its end.
    package let path: String

    package init() throws {
        var template = Array("/tmp/event-log-XXXXXX\0".utf8CString)
        guard let made = mkdtemp(&template) else { throw EventLogError(.unreadable, "no temporary folder") }
        path = String(cString: made)
    }

    /// Where the log lies.
    package var file: String { path + "/events.sqlite" }

    /// Copies database and log as they lie on disk at this moment, like the end of the process would leave them.
    package func snapshot(to other: TemporaryFolder) throws {
        mkdir(other.path + "/log", 0o700)
        let log = (try? FileManager.default.contentsOfDirectory(atPath: path + "/log")) ?? []
        for name in ["events.sqlite", "events.sqlite-wal"] + log.map({ "log/" + $0 }) {
            let from = open(path + "/" + name, O_RDONLY)
            guard from >= 0 else { continue }
            defer { close(from) }
            let to = open(other.path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            defer { close(to) }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = read(from, &chunk, chunk.count)
                guard count > 0 else { break }
                guard write(to, chunk, count) == count else { throw EventLogError(.diskFull, "copy") }
            }
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
