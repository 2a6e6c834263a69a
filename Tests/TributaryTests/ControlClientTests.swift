import ControlClient
import Testing

/// What commands make of answers, and of what is none.
@Suite struct ControlClientTests {
    private let folder: CommandFolder
    private var path: String { "\(folder.path)/s" }

    init() throws { folder = try CommandFolder() }

    /// What comes of one request that is answered with these bytes.
    private func ask(_ answer: String?, timeoutSeconds: Int? = nil) throws -> (reply: HTTPReply?, failure: HTTPFailure?)
    {
        let server = try AnswerOnce(path, answer: answer)
        defer { server.join() }
        do throws(HTTPFailure) {
            let client = ControlClient(socketPath: path, timeoutSeconds: timeoutSeconds)
            return (try client.request("POST", "/a%2Fb?c=%20d", body: Array("{}".utf8)), nil)
        } catch {
            return (nil, error)
        }
    }

    @Test func `a request stands on the line as it was given, with its body's length and type`() throws {
        let server = try AnswerOnce(path, answer: "HTTP/1.1 204 No Content\r\n\r\n")
        let reply = try ControlClient(socketPath: path).request("POST", "/a%2Fb?c=%20d", body: Array("{}".utf8))
        server.join()
        #expect(reply.status == 204 && reply.body.isEmpty)
        #expect(server.asked.hasPrefix("POST /a%2Fb?c=%20d HTTP/1.1\r\n"))
        let fields = server.asked.lowercased()
        for field in ["host: localhost", "connection: close", "content-length: 2", "content-type: application/json"] {
            #expect(fields.contains("\r\n\(field)\r\n"), "\(field)")
        }
        #expect(fields.count(of: "host:") == 1)
    }

    @Test(arguments: [
        "Content-Length: 2\r\nX-Name: a \r\n\r\nhi",
        "Transfer-Encoding: chunked\r\nx-name: a\r\n\r\n1;e=f\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
        "x-NAME:a\r\n\r\nhi",
    ])
    func `answers are read by length, by chunks or to the end`(rest: String) throws {
        let reply = try #require(try ask("HTTP/1.1 503 No\r\n" + rest).reply)
        #expect(reply.status == 503 && reply.text == "hi" && reply.header("x-name") == "a")
    }

    @Test func `a redirect is an answer like any other, and nothing is unpacked`() throws {
        let moved = try ask("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n").reply
        #expect(moved?.status == 302)
        let packed = try ask("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi").reply
        #expect(packed?.text == "hi")
    }

    @Test func `what is no answer says why`() throws {
        #expect(try ask("SSH-2.0-OpenSSH\r\n\r\n").failure?.code == .brokenAnswer)
        let short = try ask("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi").failure
        #expect(short?.code == .noAnswer)
        let silent = try ask(nil, timeoutSeconds: 1).failure
        #expect(silent?.code == .noAnswer && silent?.sentence == "no answer in time")
        let closed = try ask("").failure
        #expect(closed?.sentence == "the connection was closed before the answer was complete")
    }

    @Test func `where nobody listens the place and the reason are named`() throws {
        func failure(_ client: ControlClient) -> HTTPFailure? {
            #expect(throws: HTTPFailure.self) { try client.request("GET", "/") }
        }
        let absent = failure(ControlClient(socketPath: "\(folder.path)/none"))
        #expect(absent?.code == .notReachable)
        #expect(absent?.sentence == "nothing answers on \(folder.path)/none: No such file or directory")
        let long = failure(ControlClient(socketPath: "/tmp/" + String(repeating: "a", count: 120)))
        #expect(long?.code == .notReachable && long?.sentence.hasSuffix("is too long for a Unix socket") == true)
        let refused = failure(try ControlClient("http://127.0.0.1:1"))
        #expect(refused?.code == .notReachable)
        #expect(refused?.sentence == "nothing answers on 127.0.0.1:1: Connection refused")
    }
}

extension String {
    fileprivate func count(of part: String) -> Int { ranges(of: part).count }
}
