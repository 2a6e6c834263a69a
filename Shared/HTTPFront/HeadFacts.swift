/// What the head of a request says about its framing and its connection, checked by `HeadRules`.
package struct HeadFacts: Sendable, Equatable {
    /// Nil where there is none.
    package internal(set) var contentLengthBytes: Int?
    package internal(set) var isChunked = false
    package internal(set) var isVersion10 = false
    /// No request follows this one.
    package internal(set) var closes = false
    /// Never in HTTP/1.0, where the expectation is ignored (RFC 9110, section 10.1.1).
    package internal(set) var expectsContinue = false
    package internal(set) var expectsElse = false
    /// Whoever asks for another protocol may send bytes of it next; such a connection is not read any further.
    package internal(set) var asksForUpgrade = false
    /// A `traceparent` is among the fields.
    package internal(set) var hasTraceContext = false
    /// Names and values, and four bytes for each field.
    package internal(set) var fieldsBytes = 0
    /// Lower-case names that the Connection field declares hop-by-hop.
    package internal(set) var connectionNames: [String] = []

    package var hasBody: Bool { isChunked || (contentLengthBytes ?? 0) > 0 }
}
