/// Why a listener does not take a request or a connection. After the answer the connection is of no further use.
package struct HeadRefusal: Error, Sendable, Equatable {
    /// 400, 408, 414, 431, 501 or 503.
    package let status: Int
    /// A stable word.
    package let code: String
    package let sentence: String

    package init(_ status: Int, _ code: String, _ sentence: String) {
        self.status = status
        self.code = code
        self.sentence = sentence
    }

    /// Bytes that are not one unambiguous HTTP/1.1 request.
    package static func malformed(_ sentence: String) -> HeadRefusal {
        HeadRefusal(400, "http_malformed", sentence)
    }

    package static let headerTimeout = HeadRefusal(
        408, "header_timeout", "The head of the request took too long.")
    package static let tooManyConnections = HeadRefusal(
        503, "too_many_connections", "All connections are taken; close some, or try again later.")
    package static let tooManyOfAddress = HeadRefusal(
        503, "too_many_connections",
        "This address has as many connections open as one address may have; close some, or try again later.")

    static func requestLineTooLong(_ limits: HeadLimits) -> HeadRefusal {
        HeadRefusal(
            414, "request_line_too_long", "The request line is longer than \(limits.requestLineBytes / 1024) KiB.")
    }

    static func headTooLarge(_ limits: HeadLimits) -> HeadRefusal {
        HeadRefusal(
            431, "head_too_large",
            "The head has more than \(limits.fields) fields or \(limits.fieldsBytes / 1024) KiB.")
    }
}

/// How large the head of a request may be.
package struct HeadLimits: Sendable {
    /// Method, target and version.
    package var requestLineBytes: Int
    package var fields: Int
    /// Names and values of all fields.
    package var fieldsBytes: Int

    /// For the API: an event's id may have 8192 characters, and a character twelve bytes when it is percent-encoded.
    package static let api = HeadLimits(requestLineBytes: 112 * 1024)

    package init(requestLineBytes: Int = 8 * 1024, fields: Int = 64, fieldsBytes: Int = 32 * 1024) {
        self.requestLineBytes = requestLineBytes
        self.fields = fields
        self.fieldsBytes = fieldsBytes
    }
}
