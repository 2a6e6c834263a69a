import Events
import JSON
import Primitives

extension JSONText {
    /// A time of the router's own in RFC 3339, UTC, for nanoseconds since 1970.
    static func time(_ nanoseconds: Int64) -> JSONText {
        .string(RFC3339.text(nanoseconds))
    }
}
