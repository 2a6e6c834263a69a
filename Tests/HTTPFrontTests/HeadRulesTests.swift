import NIOCore
import Testing

@testable import HTTPFront

@Suite struct HeadRulesTests {
    private static let host = ("Host", "a.example")

    /// What the parser makes of such a head.
    private func read(
        _ fields: [(String, String)], method: String = "POST", target: String = "/in/stream",
        version: String = "HTTP/1.1"
    ) throws -> HeadFacts {
        let lines = ["\(method) \(target) \(version)"] + fields.map { "\($0): \($1)" }
        var parser = RequestParser(limits: HeadLimits())
        parser.append(ByteBuffer(string: lines.map { "\($0)\r\n" }.joined() + "\r\n"))
        switch parser.next() {
        case .head(_, let facts): return facts
        case .refused(let refusal): throw refusal
        case .body, .end, nil: throw HeadRefusal.malformed("a request begins with its head")
        }
    }

    /// 0 where the head is taken, otherwise the status of the refusal.
    private func status(
        _ fields: [(String, String)], method: String = "POST", target: String = "/in/stream",
        version: String = "HTTP/1.1"
    ) -> Int {
        do {
            _ = try read(fields, method: method, target: target, version: version)
            return 0
        } catch {
            return (error as? HeadRefusal)?.status ?? -1
        }
    }

    @Test(arguments: [
        ("chunked", 0), ("Chunked", 0), ("", 400), ("gzip, chunked", 501), ("gzip,chunked", 501),
        ("chunked, gzip", 400), ("chunked, chunked", 400), ("identity", 400), ("xchunked", 400), ("gzip", 400),
        (",chunked", 400), ("chunked,", 400), ("chunked;q=1", 400), ("\"chunked\"", 400), ("chun ked", 400),
    ])
    func `a transfer coding is chunked, once, or an error`(_ coding: String, _ expected: Int) {
        #expect(status([Self.host, ("Transfer-Encoding", coding)]) == expected)
    }

    @Test func `codings in several fields are one list`() {
        let two = { (one: String, other: String) in
            [Self.host, ("Transfer-Encoding", one), ("transfer-encoding", other)]
        }
        #expect(status(two("gzip", "chunked")) == 501)
        #expect(status(two("chunked", "gzip")) == 400)
        #expect(status(two("chunked", "chunked")) == 400)
        #expect(status(two("", "chunked")) == 400)
    }

    @Test func `a body has one length`() {
        #expect(status([Self.host, ("Content-Length", "2")]) == 0)
        for length in ["", "+2", "-2", "2, 2", "0x2", "2 2", "99999999999999999999", "2.0"] {
            #expect(status([Self.host, ("Content-Length", length)]) == 400, "\(length)")
        }
        #expect(status([Self.host, ("Content-Length", "2"), ("content-length", "2")]) == 400)
        for coding in ["chunked", "gzip, chunked", "identity", ""] {
            let both = [("Content-Length", "2"), ("Transfer-Encoding", coding)]
            #expect(status([Self.host] + both) == 400, "\(coding)")
            #expect(status([Self.host] + both.reversed()) == 400, "\(coding)")
        }
        #expect(status([Self.host, ("Transfer-Encoding", "chunked")], version: "HTTP/1.0") == 400)
        #expect(status([Self.host, ("Transfer-Encoding", "gzip, chunked")], version: "HTTP/1.0") == 400)
    }

    @Test(arguments: [
        "a", "a.example", "A.Example:443", "a.example:", "127.0.0.1:8080", "[::1]", "[2001:db8::1]:8080", "a_b:1",
        "xn--mller-kva.example", "[::ffff:1.2.3.4]:80",
    ])
    func `a host is a name or an address with at most a port`(_ host: String) {
        #expect(status([("Host", host)]) == 0)
    }

    @Test(arguments: [
        "", "user@a.example", "user:word@a.example", "a b", "a,b", "a.example, b.example", "a/b", "a\\b", "a?b", "a#b",
        "127.0.0.1:evil.example", "a:1:2", "a:65536", "a:123456", "a:-1", ":80", "[::1", "::1", "[]", "[::1]x",
        "[evil.example]", "[a]:80", "a\"b", "a<b", "a%2e", "ä.example", "http://a",
    ])
    func `a host that two readers could read differently is refused`(_ host: String) {
        #expect(status([("Host", host)]) == 400)
        #expect(status([("Host", host)], version: "HTTP/1.0") == 400)
    }

    @Test func `there is exactly one Host, in HTTP 1.0 at most one`() {
        #expect(status([]) == 400)
        #expect(status([], version: "HTTP/1.0") == 0)
        #expect(status([Self.host, Self.host]) == 400)
        #expect(status([Self.host, ("HOST", "b")], version: "HTTP/1.0") == 400)
    }

    @Test(arguments: [
        ("POST", "/", 0), ("POST", "/a?b=c&d", 0), ("POST", "//a", 0), ("POST", "http://a.example/in", 0),
        ("POST", "HTTP://A.example", 0), ("POST", "https://a.example?x", 0), ("OPTIONS", "*", 0),
        ("GET", "*", 400), ("POST", "http://b.example/in", 400), ("POST", "http://a.example:80/", 400),
        ("POST", "http://user@a.example/", 400), ("POST", "http:///in", 400), ("POST", "ftp://a.example/", 400),
        ("POST", "/a#b", 400), ("POST", "#", 400), ("POST", "a", 400), ("POST", "a.example:80", 400),
        ("POST", "", 400), ("POST", "/a b", 400), ("POST", "/ä", 400), ("POST", "/a\tb", 400), ("OPTIONS", "**", 400),
        ("CONNECT", "a.example:80", 400), ("CONNECT", "/", 400), ("post", "/", 400), ("P0ST", "/", 400),
        ("", "/", 400), ("PO ST", "/", 400), ("M-SEARCH", "/", 0),
    ])
    func `method and target have the forms that a server serves`(_ method: String, _ target: String, _ expected: Int) {
        #expect(status([Self.host], method: method, target: target) == expected)
    }

    @Test(arguments: ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", "HTTP/11", "", "HTTP/01.1"])
    func `other versions are refused`(_ version: String) {
        #expect(status([Self.host], version: version) == 400)
    }

    @Test func `what the head says of the connection is read as lists without case`() throws {
        func facts(_ fields: [(String, String)], version: String = "HTTP/1.1") throws -> HeadFacts {
            try read([Self.host] + fields, version: version)
        }
        #expect(try !facts([]).closes)
        #expect(try facts([("Connection", "x, Close")]).closes)
        #expect(try facts([("Connection", "X-A,\tx-b ,, close")]).connectionNames == ["x-a", "x-b"])
        #expect(try facts([], version: "HTTP/1.0").closes)
        #expect(try !facts([("Connection", "Keep-Alive")], version: "HTTP/1.0").closes)
        #expect(try facts([("Connection", "keep-alive, close")], version: "HTTP/1.0").closes)
        #expect(try facts([("Expect", "100-Continue")]).expectsContinue)
        #expect(try !facts([("Expect", "100-continue")], version: "HTTP/1.0").expectsContinue)
        #expect(try facts([("Expect", "x")]).expectsElse)
        #expect(try facts([("Upgrade", "h2c")]).asksForUpgrade)
    }
}
