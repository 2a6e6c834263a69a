import Executable
import Glibc

/// Standard output for what may be long or go on: a reader who has seen enough (`| head`) ends the process with 0, whether
/// SIGPIPE is ignored or not.
enum StandardOutput {
    static func write(_ text: String) {
        signal(SIGPIPE, SIG_IGN)
        if FileDescriptorText.write(text, to: 1) == EPIPE { exit(0) }
    }

    /// Whether it is a terminal that understands escape sequences.
    static var isScreen: Bool {
        let kind = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        return isatty(1) == 1 && kind != "dumb"
    }
}
