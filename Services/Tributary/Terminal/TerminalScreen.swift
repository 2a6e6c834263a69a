import Glibc
import Threads

/// A terminal as a screen of its own: drawn whole, keys without Enter, left as it was found however the process ends.
final class TerminalScreen: Sendable {
    /// The settings of the keyboard as they were; nil where input comes from elsewhere.
    private let former: termios?

    init() {
        var settings = termios()
        former = isatty(0) == 1 && tcgetattr(0, &settings) == 0 ? settings : nil
        Signals.block()
        if former != nil {
            settings.c_lflag &= ~tcflag_t(ECHO | ICANON)
            tcsetattr(0, TCSAFLUSH, &settings)
        }
        // The other screen, without a cursor.
        StandardOutput.write("\u{1B}[?1049h\u{1B}[?25l")
        let end: @Sendable () -> Void = { [self] in
            restore()
            exit(130)
        }
        Signals.start(terminate: end, reload: end)
    }

    func restore() {
        if var former { tcsetattr(0, TCSADRAIN, &former) }
        StandardOutput.write("\u{1B}[?25h\u{1B}[?1049l")
    }

    /// As they are now; `COLUMNS` and `LINES` count where they are set.
    static func size() -> (columns: Int, lines: Int) {
        var size = winsize()
        let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0
        func number(_ name: String, _ found: UInt16, _ otherwise: Int) -> Int {
            let set = getenv(name).flatMap { Int(String(cString: $0)) } ?? 0
            return set > 0 ? set : isKnown && found > 0 ? Int(found) : otherwise
        }
        return (number("COLUMNS", size.ws_col, 80), number("LINES", size.ws_row, 24))
    }

    /// Replaces what is shown; the last line ends without a line feed, which would scroll the first one away.
    func draw(_ lines: [String]) {
        StandardOutput.write("\u{1B}[H" + lines.joined(separator: "\u{1B}[K\r\n") + "\u{1B}[K\u{1B}[J")
    }

    /// The next key or sequence of an arrow; nil when none came in time.
    func key(timeoutMilliseconds: Int64) -> String? {
        var watched = pollfd(fd: former == nil ? -1 : 0, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, Int32(max(0, timeoutMilliseconds))) > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = read(0, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : "\u{4}"
    }

    /// The keys of a text that came at once, as when somebody types fast: sequences of arrows are one key each.
    static func keys(in text: String) -> [String] {
        var keys: [String] = []
        var rest = text[...]
        while !rest.isEmpty {
            let key = rest.prefix(rest.hasPrefix("\u{1B}[") ? 3 : 1)
            keys.append(String(key))
            rest = rest.dropFirst(key.count)
        }
        return keys
    }
}
