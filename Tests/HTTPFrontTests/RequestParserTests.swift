import NIOCore
import NIOHTTP1
import SeededRandom
import Testing

@testable import HTTPFront

@Suite struct RequestParserTests {
    private static let limits = HeadLimits(requestLineBytes: 100, fields: 4, fieldsBytes: 200)

    /// The parts that bytes come to, each as a word; neighbouring bodies are one.
    private func parts(_ text: String, pieceBytes: Int = .max) -> [String] {
        var parser = RequestParser(limits: Self.limits)
        var words: [String] = []
        var body: String?
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            parser.append(ByteBuffer(bytes: rest.prefix(pieceBytes)))
            rest = rest.dropFirst(pieceBytes)
            while let part = parser.next() {
                if case .body(let bytes) = part {
                    body = (body ?? "") + String(buffer: bytes)
                    continue
                }
                if let whole = body { words.append("body \(whole)") }
                body = nil
                switch part {
                case .head(let head, let facts):
                    let head = HTTPRequestHead(head, facts)
                    let fields = head.headers.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
                    words.append("\(head.method.rawValue) \(head.uri) \(fields)")
                case .body: break
                case .end: words.append("end")
                case .refused(let refusal): words.append("\(refusal.status)")
                }
            }
        }
        return words
    }

    private static let good = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"

    @Test(arguments: ["2", " 2", "2 ", "\t2\t", " \t 2 \t ", "2  "])
    func `blanks and tabs around a value are no part of it`(_ length: String) {
        let request = "POST /a HTTP/1.1\r\nHost:a \r\nContent-Length:\(length)\r\nX-Signature:\t a b \t\r\n\r\n{}"
        #expect(parts(request) == ["POST /a Host=a|Content-Length=2|X-Signature=a b", "body {}", "end"])
    }

    @Test func `requests follow one another, however they are cut`() {
        let chunked =
            "PUT /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \r\n\r\n3;x=y\r\nabc\r\n0A\r\n0123456789\r\n"
            + "0\r\nX: y\r\n\r\n"
        let text = "\r\n" + Self.good + chunked + "GET /c HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n"
        let expected = [
            "POST /a Host=a|Content-Length=2", "body {}", "end", "PUT /b Host=a|Transfer-Encoding=chunked",
            "body abc0123456789", "end", "GET /c Host=a|X=", "end",
        ]
        for pieceBytes in [Int.max, 1, 2, 3, 7, 50] { #expect(parts(text, pieceBytes: pieceBytes) == expected) }
    }

    @Test(arguments: [
        "POST  /a HTTP/1.1\r\nHost: a\r\n\r\n", "POST /a  HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /a HTTP/1.1 \r\nHost: a\r\n\r\n", "POST\t/a HTTP/1.1\r\nHost: a\r\n\r\n",
        " POST /a HTTP/1.1\r\nHost: a\r\n\r\n", "POST /a\r\nHost: a\r\n\r\n", "POST /a HTTP/1.1\nHost: a\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\n\r\n", "POST /a HTTP/1.1\r\nHost: a\r\n\n", "\n" + good, "\r\n\r\n" + good,
        "POST /a HTTP/1.1\r\n Host: a\r\n\r\n", "POST /a HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost : a\r\n\r\n", "POST /a HTTP/1.1\r\nHost\t: a\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", "POST /a HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n", "POST /a HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nX: \u{7F}\r\n\r\n", "POST /a HTTP/1.1\r\nHost: a\r\nX(: b\r\n\r\n",
        "\u{16}\u{3}\u{1}", "get / HTTP/1.1\r\n", "{}",
    ])
    func `what is no request is refused, and nothing is read behind it`(_ bytes: String) {
        for pieceBytes in [Int.max, 1] {
            #expect(parts(bytes + Self.good, pieceBytes: pieceBytes) == ["400"], "\(pieceBytes)")
        }
    }

    @Test(arguments: [
        "3 \r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "\r\nabc\r\n", "xyz\r\n", "-3\r\nabc\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nabc\r\n", "3\nabc\r\n0\r\n\r\n", "3;\u{1}\r\nabc\r\n0\r\n\r\n", "0\r\nX : y\r\n\r\n",
        "0\r\n x\r\n\r\n",
    ])
    func `a chunk that is none ends the reading`(_ chunks: String) {
        let head = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        for pieceBytes in [Int.max, 1] {
            #expect(
                parts(head + chunks + Self.good, pieceBytes: pieceBytes)
                    == ["POST /a Host=a|Transfer-Encoding=chunked", "400"])
        }
    }

    @Test func `a chunk is as long as it says`() {
        let head = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(parts(head + "3\r\nabcd\r\n0\r\n\r\n").last == "400")
        #expect(parts(head + "3\r\nabc\n0\r\n\r\n").last == "400")
    }

    @Test func `heads are bounded before they are complete`() {
        let long = String(repeating: "a", count: 300)
        #expect(parts("GET /\(long)") == ["414"])
        #expect(parts("GET / HTTP/1.1\r\nHost: a\r\nX: \(long)") == ["431"])
        let two = String(repeating: "a", count: 120)
        #expect(parts("GET / HTTP/1.1\r\nX: \(two)\r\nY: \(two)\r\n") == ["431"])
        #expect(parts("GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 5)) == ["431"])
        let trailers = "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: \(two)\r\nY: \(two)\r\n"
        #expect(parts(trailers).last == "431")
    }

    @Test func `nothing is read behind a request that asks for the end or for another protocol`() {
        for field in ["Connection: close\t", "Upgrade: h2c"] {
            let last = "POST /a HTTP/1.1\r\nHost: a\r\n\(field)\r\nContent-Length: 2\r\n\r\n{}"
            #expect(parts(last + Self.good).count == 3)
            #expect(parts(last + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").count == 3)
        }
        #expect(parts("POST /a HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}" + Self.good).count == 3)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `the cuts never matter, whatever the bytes`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let seeds = [
            Self.good + Self.good,
            "PUT /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\n" + Self.good,
        ]
        for _ in 0..<40 {
            var bytes = Array(seeds[Int.random(in: 0..<2, using: &generator)].utf8)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = .random(in: 0...127, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert("\r\n\t :;0a".utf8.randomElement(using: &generator) ?? 0, at: index)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(parts(text) == parts(text, pieceBytes: 1))
        }
    }
}
