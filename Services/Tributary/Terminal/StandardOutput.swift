import Glibc

/// Standard output for what may be long or go on: a reader who has seen enough (`| head`) ends the process with 0, whether
/// SIGPIPE is ignored or not.
enum StandardOutput {
    static func write(_ text: String) {
        signal(SIGPIPE, SIG_IGN)
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                let count = Glibc.write(1, bytes.baseAddress?.advanced(by: written), bytes.count - written)
                if count < 0, errno == EINTR { continue }
                if count < 0, errno == EPIPE { exit(0) }
                guard count > 0 else { return }
                written += count
            }
        }
    }

    /// Whether it is a terminal that understands escape sequences.
    static var isScreen: Bool {
        let kind = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        return isatty(1) == 1 && kind != "dumb"
    }
}
