import Testing

@testable import StageRuntime

@Suite struct HTTPReplyParserTests {
    /// Feeds the bytes one at a time, which is the hardest way.
    private func parse(_ text: String) throws -> HTTPReply? {
        var parser = HTTPReplyParser()
        var received: [UInt8] = []
        for byte in text.utf8 {
            received.append(byte)
            if let reply = try parser.parse(&received) { return reply }
        }
        return parser.atEnd(&received)
    }

    @Test func `answers with a length, in chunks and up to the end are read`() throws {
        let length = try #require(try parse("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nA: b\r\n\r\nabc"))
        #expect(length.status == 200)
        #expect(length.text == "abc")
        #expect(length.header("a") == "b")
        let chunked = try parse(
            "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")
        #expect(chunked?.text == "abcde")
        let open = try parse("HTTP/1.1 400 Bad\r\n\r\nrest")
        #expect(open?.text == "rest")
        #expect(open?.keepAlive == false)
        #expect(try parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")?.status == 204)
    }

    @Test func `blanks and tabs around a value are no part of it`() throws {
        let reply = try #require(
            try parse("HTTP/1.1 200 OK\r\nContent-Length:\t3 \r\nConnection: close\t\r\nA: b c  \r\n\r\nabc"))
        #expect(reply.text == "abc" && reply.header("a") == "b c" && !reply.keepAlive)
        #expect(try parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked \r\n\r\n1\r\na\r\n0\r\n\r\n")?.text == "a")
    }

    @Test func `what is not HTTP is refused`() {
        for text in ["hello\r\n\r\n", "HTTP/1.1 x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"] {
            #expect(throws: HTTPReplyParser.Failure.self, "\(text)") { try parse(text) }
        }
        #expect(throws: HTTPReplyParser.Failure.self) {
            try parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        }
    }
}
