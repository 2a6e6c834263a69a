import Glibc
import TapPrinting

/// What standard output can show.
enum TerminalLayout {
    /// Columns where it is a terminal (`COLUMNS` counts where it is set), colours unless `NO_COLOR` is (no-color.org).
    static var standardOutput: DiffLayout {
        func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
        guard isatty(1) == 1 else { return DiffLayout(columns: nil, isColoured: false) }
        var size = winsize()
        let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        let columns = Int(variable("COLUMNS")) ?? 0
        return DiffLayout(
            columns: columns > 0 ? columns : isKnown ? Int(size.ws_col) : 80,
            isColoured: variable("NO_COLOR").isEmpty && !["", "dumb"].contains(variable("TERM")))
    }
}
