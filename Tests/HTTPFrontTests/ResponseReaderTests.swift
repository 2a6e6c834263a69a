import Testing

@testable import HTTPFront

/// What responses come to: the status line counts, and doubt costs the connection.
@Suite struct ResponseReaderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let status: Int?
        var body = ""
        var isComplete = true
        var isReusable = true

        var testDescription: String { name }

        init(
            _ name: String, _ text: String, _ status: Int?, body: String = "", complete: Bool = true,
            reusable: Bool = true
        ) {
            (self.name, bytes, self.status, self.body) = (name, Array(text.utf8), status, body)
            (isComplete, isReusable) = (complete, reusable && complete)
        }
    }

    static let sound: [Case] = [
        Case("a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, body: "ok"),
        Case("no body", "HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 200),
        Case("no reason", "HTTP/1.1 204 \r\n\r\n", 204), Case("no blank", "HTTP/1.1 204\r\n\r\n", 204),
        Case("a reason of other bytes", "HTTP/1.1 200 \u{FC}\r\ncontent-length: 0\r\n\r\n", 200),
        Case(
            "chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\nok\r\n1\r\n!\r\n0\r\nx: y\r\n\r\n",
            200, body: "ok!"),
        Case("no chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 200),
        Case(
            "informational ones first",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
                + "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", 202),
        Case("304 has no body, whatever its length", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304),
        Case("an unknown status", "HTTP/1.1 799 Odd\r\ncontent-length: 0\r\n\r\n", 799),
        Case(
            "1.0 that stays open", "HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\n.", 200,
            body: "."),
        Case("unknown fields", "HTTP/1.1 200 OK\r\nx-a: \tb \r\nX_B!: \r\ncontent-length: 0\r\n\r\n", 200),
    ]

    /// They count, and the connection ends.
    static let doubtful: [Case] = [
        Case("a later version", "HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case("more blanks", "HTTP/1.1   200 OK\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case(
            "a control character in the reason", "HTTP/1.1 200 a\rb\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case(
            "equal lengths but for one", "HTTP/1.1 200 OK\r\ncontent-length: 2, 3, 3\r\n\r\nok", 200, body: "ok",
            complete: false),
        Case("close", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case("1.0", "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case(
            "a length beside chunks",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200,
            body: "ok", reusable: false),
        Case("lines that end in LF", "HTTP/1.1 200 OK\ncontent-length: 2\n\nok", 200, body: "ok", reusable: false),
        Case("one line that does", "HTTP/1.1 200 OK\r\nx: y\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case(
            "equal lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok", 200, body: "ok",
            reusable: false),
        Case(
            "equal lengths in one", "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok", 200, body: "ok",
            reusable: false),
        Case(
            "lengths that differ", "HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nok", 200, body: "ok", complete: false
        ),
        Case(
            "a length that is none", "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok", 200, body: "ok", complete: false
        ),
        Case(
            "a length beyond all numbers", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nok", 200,
            body: "ok", complete: false),
        Case("an empty length", "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nok", 200, body: "ok", complete: false),
        Case("neither length nor chunks", "HTTP/1.1 200 OK\r\n\r\nok", 200, body: "ok", complete: false),
        Case(
            "another coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\nok", 200, body: "ok",
            complete: false),
        Case(
            "a field without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case(
            "a blank before the colon", "HTTP/1.1 200 OK\r\nx : y\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case("a folded field", "HTTP/1.1 200 OK\r\nx: y\r\n z\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case("no name", "HTTP/1.1 200 OK\r\n: y\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case("a control character", "HTTP/1.1 200 OK\r\nx: \u{1}\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case("a bare CR", "HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case("a line too early", "\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, reusable: false),
        Case(
            "more than was asked", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK", 200, reusable: false),
        Case("204 with a body", "HTTP/1.1 204 None\r\ncontent-length: 2\r\n\r\nok", 204, reusable: false),
        Case("101", "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n", 101, reusable: false),
        Case(
            "a chunk without a size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", 200,
            reusable: false),
        Case(
            "a chunk longer than it says", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nok\r\n", 200,
            body: "o", reusable: false),
        Case(
            "a chunk of any size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 200,
            reusable: false),
        Case(
            "chunks in 1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\nok", 200, body: "ok",
            complete: false),
    ]

    static let none: [Case] = [
        Case("half a head", "HTTP/1.1 200 OK\r\ncontent-le", nil, complete: false),
        Case("half a body", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok", 200, body: "ok", complete: false),
        Case("an informational one alone", "HTTP/1.1 100 Continue\r\n\r\n", nil, complete: false),
    ]

    @Test(arguments: sound + doubtful + none, [Int.max, 1])
    func `a response comes to what browsers take it for`(_ each: Case, chop: Int) throws {
        var reader = ResponseReader()
        var body: [UInt8] = []
        var rest = each.bytes[...]
        while !rest.isEmpty {
            try rest.prefix(chop).withUnsafeBytes { bytes in try reader.read(bytes) { body += $0 } }
            rest = rest.dropFirst(chop)
        }
        #expect(reader.head?.status == each.status)
        #expect(String(decoding: body, as: UTF8.self) == each.body)
        #expect(reader.isComplete == each.isComplete)
        #expect(reader.isReusable == each.isReusable)
    }

    @Test(
        arguments: [
            "220 smtp.example ESMTP\r\n", "HTTP/2 200\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n",
            "HTTP/1.1200 OK\r\n", "http/1.1 200 OK\r\n", "HTTP/1.1 099 OK\r\n", "HTTP/1.x 200 OK\r\n", "SSH-2.0-x",
            "HTTP/1.1\r\n", "HTTP/1.1   \r\n",
            "\u{15}\u{3}\u{1}",
        ], [Int.max, 1])
    func `what does not begin as a response is none`(text: String, chop: Int) {
        var reader = ResponseReader()
        #expect(throws: ResponseReader.Malformed.noHTTP) {
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                try rest.prefix(chop).withUnsafeBytes { try reader.read($0) { _ in } }
                rest = rest.dropFirst(chop)
            }
        }
    }

    @Test func `a head has an end`() throws {
        for line in ["x: y\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "a"] {
            var reader = ResponseReader()
            let first = line.hasPrefix("HTTP") ? "" : "HTTP/1.1 200 OK\r\n"
            let text = first + String(repeating: line, count: ResponseReader.headBytes / line.utf8.count + 1)
            #expect(throws: ResponseReader.Malformed.headTooLarge) {
                try Array(text.utf8).withUnsafeBytes { try reader.read($0) { _ in } }
            }
        }
    }

    @Test func `the first field of a name is what counts`() throws {
        var reader = ResponseReader()
        let text =
            "HTTP/1.1 503 Busy\r\nRetry-After:  7 \r\nretry-after: 9\r\nDATE: now\r\nLocation: /x\r\nlocations: /y\r\n\r\n"
        try Array(text.utf8).withUnsafeBytes { try reader.read($0) { _ in } }
        let head = try #require(reader.head)
        #expect(head.retryAfter == "7")
        #expect(head.date == "now")
        #expect(head.location == "/x")
    }

    @Test func `the head says whether the connection stays, before the body is here`() throws {
        for (fields, stays) in [
            ("content-length: 2", true), ("transfer-encoding: chunked", true),
            ("connection: close\r\ncontent-length: 2", false),
            ("content-length: 2, 2", false), ("x: y", false),
        ] {
            var reader = ResponseReader()
            try Array("HTTP/1.1 408 Slow\r\n\(fields)\r\n\r\n".utf8).withUnsafeBytes { try reader.read($0) { _ in } }
            #expect(reader.head?.status == 408)
            #expect(!reader.isReusable)
            #expect(reader.keepsConnection == stays, "\(fields)")
        }
    }

    @Test func `what nobody asks for of a success is not kept`() throws {
        var reader = ResponseReader()
        let text = "HTTP/1.1 200 OK\r\nDate: now\r\nRetry-After: 7\r\nLocation: /x\r\n\r\n"
        try Array(text.utf8).withUnsafeBytes { try reader.read($0) { _ in } }
        let head = try #require(reader.head)
        #expect(head.date == nil && head.retryAfter == nil && head.location == nil)
    }
}
