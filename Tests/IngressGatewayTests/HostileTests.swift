import SeededRandom
import Testing
import Wire

@testable import IngressGateway

/// A request that two readers could read differently, or that is no HTTP/1.1 at all.
private let malformed: [(String, String)] = [
    (
        "both lengths",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    (
        "both lengths, the other way round",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
    ),
    ("different lengths", "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    (
        "the same length twice",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"
    ),
    ("a list of lengths", "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc"),
    ("a signed length", "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc"),
    ("a negative length", "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc"),
    ("an empty length", "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nabc"),
    ("a hexadecimal length", "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc"),
    (
        "a length beyond all numbers",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabc"
    ),
    ("bare LF after a field", "POST /in/stream HTTP/1.1\r\nHost: a\nContent-Length: 3\r\n\r\nabc"),
    ("bare LF after the request line", "POST /in/stream HTTP/1.1\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
    ("bare LF at the end of the head", "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\nabc"),
    ("bare CR in a field", "POST /in/stream HTTP/1.1\r\nHost: a\rb\r\nContent-Length: 3\r\n\r\nabc"),
    ("obs-fold", "POST /in/stream HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\nContent-Length: 3\r\n\r\nabc"),
    ("a folded first field", "POST /in/stream HTTP/1.1\r\n Host: a\r\nContent-Length: 3\r\n\r\nabc"),
    ("a blank before the colon", "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc"),
    ("a tab before the colon", "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
    ("an empty field name", "POST /in/stream HTTP/1.1\r\nHost: a\r\n: x\r\nContent-Length: 3\r\n\r\nabc"),
    ("NUL in a value", "POST /in/stream HTTP/1.1\r\nHost: a\r\nX: a\0b\r\nContent-Length: 3\r\n\r\nabc"),
    ("NUL in a name", "POST /in/stream HTTP/1.1\r\nHost: a\r\nX\0: ab\r\nContent-Length: 3\r\n\r\nabc"),
    ("NUL in the path", "POST /in/str\0eam HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
    (
        "a control character in a value",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nX: a\u{1}b\r\nContent-Length: 3\r\n\r\nabc"
    ),
    (
        "chunked that is not last",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"
    ),
    ("identity", "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"),
    (
        "chunked twice",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    ("xchunked", "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    (
        "a vertical tab before chunked",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{B}chunked\r\n\r\n0\r\n\r\n"
    ),
    ("chunked in HTTP/1.0", "POST /in/stream HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (
        "a chunk size that is no number",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n"
    ),
    (
        "a chunk size with 0x",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"
    ),
    (
        "a chunk size beyond all numbers",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n"
    ),
    (
        "a blank after a chunk size",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n"
    ),
    (
        "bare LF after a chunk size",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"
    ),
    (
        "bare LF after a chunk",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n"
    ),
    (
        "no end of a chunk",
        "POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"
    ),
    ("no host", "POST /in/stream HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"),
    ("two hosts", "POST /in/stream HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 3\r\n\r\nabc"),
    ("a host with a password", "POST /in/stream HTTP/1.1\r\nHost: u:p@a\r\nContent-Length: 3\r\n\r\nabc"),
    ("a host that is two", "POST /in/stream HTTP/1.1\r\nHost: a,b\r\nContent-Length: 3\r\n\r\nabc"),
    ("no host but its field", "POST /in/stream HTTP/1.1\r\nHost: \t\r\nContent-Length: 3\r\n\r\nabc"),
    ("another host in the target", "POST http://b/in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
    ("GET *", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("two blanks", "POST  /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
    ("a fragment", "POST /in/stream#a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
    ("no version", "POST /in/stream\r\nHost: a\r\n\r\n"),
    ("HTTP/2.0", "POST /in/stream HTTP/2.0\r\nHost: a\r\n\r\n"),
    ("HTTP/1.2", "POST /in/stream HTTP/1.2\r\nHost: a\r\n\r\n"),
    ("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("an unknown method", "P0ST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
    ("CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("TLS", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}"),
]

@Suite(.serialized) struct HostileTests {
    @Test func `ambiguous or broken framing is 400 and ends the connection`() throws {
        let test = try TestIngress()
        for (name, bytes) in malformed {
            let client = test.connect()
            client.send(bytes)
            // What follows would be a webhook of its own if the framing were misread.
            client.send(post(body: "smuggled"))
            let answers = client.answersToEnd()
            #expect(answers.map(\.status) == [400], "\(name)")
            #expect(answers.first?.code == "http_malformed", "\(name)")
            #expect(answers.first?.closes == true, "\(name)")
            #expect(client.isAtEnd, "\(name)")
        }
        #expect(test.bus.webhooks.map(\.body) == [])
        let client = test.connect()
        client.send(post())
        #expect(client.answer()?.status == 202)
    }

    @Test func `a coding that nobody here knows is 501 and ends the connection`() throws {
        let test = try TestIngress()
        for fields in ["Transfer-Encoding: gzip, chunked", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked"] {
            let client = test.connect()
            client.send("POST /in/stream HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n0\r\n\r\n" + post(body: "smuggled"))
            let answers = client.answersToEnd()
            #expect(answers.map(\.status) == [501])
            #expect(answers.first?.code == "transfer_coding_unknown")
        }
        #expect(test.bus.webhooks.isEmpty)
    }

    @Test func `blanks and tabs behind a value are no part of it`() throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send(
            "POST /in/stream HTTP/1.1\r\nHost: a \r\nX-Signature: abc \t \r\nContent-Length: 2 \t\r\n"
                + "Connection: close\t\r\n\r\n{}")
        let answer = try #require(client.answer())
        #expect(answer.status == 202 && answer.closes)
        #expect(client.endsNow())
        #expect(test.bus.webhooks.first?.fields["x-signature"] == "abc")
    }

    @Test func `a good request before a broken one is answered`() throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send(post() + "GARBAGE\r\n\r\n")
        #expect(client.answersToEnd().map(\.status) == [202, 400])
    }

    @Test func `a lone CR LF before a request is passed over`() throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send("\r\n" + post())
        #expect(client.answer()?.status == 202)
    }

    @Test(arguments: [
        ("/in/unknown", 404, "source_unknown"), ("/in/", 404, "source_unknown"), ("/", 404, "not_found"),
        ("/in/stream/a/b", 404, "not_found"), ("/in", 404, "not_found"), ("/IN/stream", 404, "not_found"),
    ])
    func `what is not there is 404 and the connection stays`(_ path: String, _ status: Int, _ code: String) throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send(post(path, body: "body") + post())
        let answer = try #require(client.answer())
        #expect(answer.status == status && answer.code == code && !answer.closes)
        #expect(client.answer()?.status == 202)
    }

    @Test func `another method is 405 with Allow, and HEAD has no body`() throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send("GET /in/stream HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.status == 405 && answer.fields["allow"] == "POST, OPTIONS")
        client.send("HEAD /in/stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(client.answer() == nil)
    }

    @Test func `a large body is 413 without being read to its end`() throws {
        var limits = IngressLimits()
        limits.bodyBytes = 1000
        let test = try TestIngress(limits: limits)
        let announced = test.connect()
        announced.send("POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nabc")
        let answer = try #require(announced.answer())
        #expect(answer.status == 413 && answer.code == "body_too_large" && answer.closes)
        let chunked = test.connect()
        chunked.send("POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<3 { chunked.send("200\r\n" + String(repeating: "x", count: 512) + "\r\n") }
        #expect(chunked.answersToEnd().map(\.status) == [413])
        let exact = test.connect()
        exact.send(post(body: String(repeating: "x", count: 1000)))
        #expect(exact.answer()?.status == 202)
    }

    @Test func `the limits of the head are kept to`() throws {
        let test = try TestIngress()
        func status(_ head: String) -> Int? {
            let client = test.connect()
            client.send(head + "\r\n\r\n")
            let answers = client.answersToEnd()
            return answers.count == 1 ? answers[0].status : nil
        }
        let line = { "GET /\(String(repeating: "a", count: $0)) HTTP/1.1\r\nHost: a\r\nConnection: close" }
        #expect(status(line(8000)) == 404)
        #expect(status(line(8200)) == 414)
        let fields = { (0..<$0).map { "X-\($0): 1\r\n" }.joined() }
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\n\(fields(62))Connection: close") == 404)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\n\(fields(70))Connection: close") == 431)
        let long = { "X: " + String(repeating: "a", count: $0) }
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(long(30_000))") == 404)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(long(33_000))") == 431)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(long(20_000))\r\nY\(long(20_000))") == 431)
    }

    @Test func `a slow head and a slow body are 408, an idle connection is closed`() throws {
        var limits = IngressLimits()
        limits.headerDeadlineNanoseconds = 300_000_000
        limits.idleTimeoutNanoseconds = 600_000_000
        let test = try TestIngress(limits: limits)
        let head = test.connect()
        head.send("POST /in/stream HTTP/1.1\r\nHo")
        let body = test.connect()
        body.send("POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        let idle = test.connect()
        let slow = try #require(head.answer())
        #expect(slow.status == 408 && slow.code == "header_timeout" && slow.closes)
        let stalled = try #require(body.answer())
        #expect(stalled.status == 408 && stalled.code == "body_too_slow")
        #expect(idle.endsNow())
    }

    @Test func `a connection that says nothing ends with the header deadline, without a word`() throws {
        var limits = IngressLimits()
        limits.headerDeadlineNanoseconds = 300_000_000
        limits.idleTimeoutNanoseconds = 3_600_000_000_000
        let test = try TestIngress(limits: limits)
        let silent = test.connect(timeoutSeconds: 60)
        let served = test.connect(timeoutSeconds: 60)
        served.send(post())
        #expect(served.answer()?.status == 202)
        #expect(silent.endsNow())
        served.send(post())
        #expect(served.answer()?.status == 202)
    }

    @Test func `Expect 100-continue is obeyed, and refused before the body where it must be`() throws {
        let test = try TestIngress()
        let client = test.connect()
        let head = { (path: String, length: Int) in
            "POST \(path) HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: \(length)\r\n\r\n"
        }
        client.send(head("/in/stream", 3))
        #expect(client.answer()?.status == 100)
        client.send("abc")
        #expect(client.answer()?.status == 202)
        client.send(head("/in/unknown", 3))
        #expect(client.answersToEnd().map(\.status) == [404])
        let large = test.connect()
        large.send(head("/in/stream", 100_000_000))
        #expect(large.answersToEnd().map(\.status) == [413])
    }

    @Test func `too many connections get 503 and are closed`() throws {
        var limits = IngressLimits()
        limits.connections = 2
        let test = try TestIngress(limits: limits)
        let clients = served(2, by: test)
        let third = test.connect()
        try refused(third)
        #expect(third.endsNow())
        clients[0].send(post())
        #expect(clients[0].answer()?.status == 202)
    }

    @Test func `one address takes no more than its share, and a trusted proxy may have all`() throws {
        var limits = IngressLimits()
        limits.connections = 4
        limits.connectionsPerAddress = 2
        let test = try TestIngress(limits: limits)
        let clients = served(2, by: test)
        defer { withExtendedLifetime(clients) {} }
        let third = test.connect()
        let answer = try refused(third)
        #expect(answer.fields["retry-after"] != nil)
        let other = Client(port: test.ingress.port, from: "127.0.0.2")
        other.send(post())
        #expect(other.answer()?.status == 202)

        let proxied = try TestIngress(limits: limits, trustedProxies: ["127.0.0.1"])
        _ = served(4, by: proxied)
    }

    /// Connections that were served and stay open.
    private func served(_ count: Int, by test: TestIngress) -> [Client] {
        (0..<count).map { _ in
            let client = test.connect()
            client.send(post())
            #expect(client.answer()?.status == 202)
            return client
        }
    }

    @discardableResult private func refused(_ client: Client) throws -> HTTPAnswer {
        let answer = try #require(client.answer())
        #expect(answer.status == 503 && answer.code == "too_many_connections" && answer.closes)
        return answer
    }

    @Test func `HTTP/1.0 closes unless asked to stay`() throws {
        let test = try TestIngress()
        let once = test.connect()
        once.send("POST /in/stream HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        #expect(once.answersToEnd().map(\.status) == [202])
        let stays = test.connect()
        for _ in 0..<2 {
            stays.send("POST /in/stream HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}")
            #expect(stays.answer()?.fields["connection"] == "keep-alive")
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `random bytes never hurt`(_ seed: UInt64) throws {
        let test = try TestIngress()
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<15 {
            var bytes = Array(post(body: "{\"a\":[1,2,3]}", fields: "X-Signature: abc\r\n").utf8)
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = .random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(.random(in: 0...255, using: &generator), at: index)
                }
            }
            let client = test.connect()
            client.send(bytes)
            client.endSending()
            for answer in client.answersToEnd() {
                #expect([202, 400, 404, 405, 413, 414, 417, 431, 501].contains(answer.status))
            }
        }
        let client = test.connect()
        client.send(post())
        #expect(client.answer()?.status == 202)
        let damaged = test.bus.webhooks.filter { !$0.isIntact }
        #expect(damaged.isEmpty)
    }
}
