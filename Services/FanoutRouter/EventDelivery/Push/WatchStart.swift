import EventLog
import Primitives

/// Where a watcher begins.
package enum WatchStart: Sendable, Equatable {
    /// With what comes from now on.
    case latest
    /// With the oldest event that is kept.
    case earliest
    /// With the first event whose webhook was received then, nanoseconds since 1970.
    case time(Int64)
    case behind(PositionToken)
    /// Behind what was acknowledged under this name; with what comes from now on where nothing was.
    case cursor(String)

    package static let expected =
        "latest, earliest, a time such as 2026-10-05T14:49:14Z, a position token, or cursor:NAME with letters, digits, "
        + "- and _"

    /// Nil for what is none of these.
    package init?(_ text: String) {
        let cursor = "cursor:"
        switch text {
        case "latest": self = .latest
        case "earliest": self = .earliest
        case _ where text.hasPrefix(cursor):
            let name = String(text.dropFirst(cursor.count))
            guard Self.isCursorName(name) else { return nil }
            self = .cursor(name)
        default:
            if let time = RFC3339.nanoseconds(text) {
                self = .time(time)
            } else if let token = PositionToken(text) {
                self = .behind(token)
            } else {
                return nil
            }
        }
    }

    package static func isCursorName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "-_".utf8.contains(byte)
            }
    }
}
