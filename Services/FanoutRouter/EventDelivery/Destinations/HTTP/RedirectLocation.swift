/// Where a redirect leads, for people: an operator puts the new URL into the subscription.
enum RedirectLocation {
    /// What is kept of it.
    static let mostBytes = 300

    /// The text of `Location` (RFC 9110, section 10.2.2) without what may be secret: user names and passwords, the query
    /// and the fragment. Bytes that are no printable ASCII become `?`.
    static func shown(_ text: String) -> String {
        let printable = text.utf8.prefix(4 * mostBytes).map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        let place = printable.prefix { !"?;#".utf8.contains($0) }
        let segments = place.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            segment -> [UInt8] in
            guard let at = segment.lastIndex(of: UInt8(ascii: "@")) else { return Array(segment) }
            return Array("[redacted]".utf8) + segment[at...]
        }
        let rest = place.count < printable.count ? "?[redacted]" : ""
        let whole = Array(segments.joined(separator: [UInt8(ascii: "/")])) + Array(rest.utf8)
        let kept = String(decoding: whole.prefix(mostBytes), as: UTF8.self)
        return whole.count > mostBytes ? kept + "…" : kept
    }
}
