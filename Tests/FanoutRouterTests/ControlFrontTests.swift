import HTTPFront
import Logging
import NIOCore
import StageMetrics
import Synchronization
import Testing

@testable import ControlAPI
@testable import Executable
@testable import PipelineConfiguration

extension ControlServerTests {
    /// What the control API does with connections and bytes before it is a matter of its operations. One after the other with
    /// the other tests of the server, whose start blocks a thread.
    @Suite(.serialized) struct Front {
        private func server(
            dispatcher: APIDispatcher? = nil, _ change: (inout ControlServer.Settings) -> Void = { _ in }
        ) throws -> ControlServer {
            var settings = ControlServer.Settings(listen: ListenAddress(host: "127.0.0.1", port: 0))
            change(&settings)
            let reference = SecretReference(place: .literal("all"), keyPath: "router.api_tokens[0]")
            let token = APITokenConfiguration(
                name: "ops", scopes: Set(APIScope.allCases.map(\.rawValue)), secret: .reference(reference))
            return try ControlServer(
                settings, tls: nil, tokens: APITokens(try APITokens.read([token])),
                dispatcher: dispatcher ?? SampleAPI.dispatcher(),
                logger: Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() }))
        }

        private static let next = "GET /v1/open HTTP/1.1\r\nhost: localhost\r\n\r\n"

        @Test(arguments: [
            ("POST /v1/things HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: \r\nContent-Length: 2\r\n\r\n{}", 400),
            ("POST /v1/things HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
            (
                "POST /v1/things HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"
                    + "\r\n0\r\n\r\n", 501
            ),
            ("POST /v1/things HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("GET /v1/open HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
            ("GET /v1/open HTTP/1.1\r\nHost: 127.0.0.1:evil.example\r\n\r\n", 400),
            ("GET /v1/open HTTP/1.1\r\nHost:\r\n\r\n", 400),
            ("GET http://evil.example/v1/open HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            ("GET /v1/open HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n", 400),
            ("GET  /v1/open HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            ("GET /v1/open#a HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            ("GET /v1/open HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "a", count: 33_000))\r\n\r\n", 431),
            ("GET /v1/open?\(String(repeating: "a", count: 120_000)) HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        ])
        func `what is not one request gets a problem, and nothing behind it is read`(
            _ bytes: String, _ status: Int
        ) async throws {
            let server = try server()
            defer { server.stop() }
            let connection = try RawConnection(port: server.port)
            connection.send(Self.next + bytes + Self.next)
            try await eventually { connection.isClosed }
            let answers = connection.text.components(of: "HTTP/1.1 ")
            #expect(answers.map { Int($0.prefix(3)) } == [200, status])
            let last = try #require(answers.last?.lowercased())
            #expect(last.contains("content-type: application/problem+json\r\n"))
            #expect(last.contains("connection: close\r\n"))
            #expect(last.contains("\"code\":\""))
        }

        @Test func `a body that breaks off its framing is refused in the place of its answer`() async throws {
            let server = try server()
            defer { server.stop() }
            let connection = try RawConnection(port: server.port)
            connection.send(
                "POST /v1/things HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer all\r\n"
                    + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"n\r\nx\r\n")
            try await eventually { connection.isClosed }
            #expect(connection.text.components(of: "HTTP/1.1 ").map { Int($0.prefix(3)) } == [400])
        }

        @Test func `every answer has a date, and blanks behind values count for nothing`() async throws {
            let server = try server()
            defer { server.stop() }
            let connection = try RawConnection(port: server.port)
            connection.send(
                "POST /v1/things HTTP/1.1\r\nHost: localhost\t\r\nAuthorization: Bearer all \t\r\n"
                    + "Content-Type: application/json \r\nContent-Length: 12 \t\r\nConnection: close\t\r\n\r\n"
                    + "{\"name\":\"a\"}")
            try await eventually { connection.isClosed }
            #expect(connection.text.contains("201 Created"))
            #expect(connection.text.contains(/[Dd]ate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/))
        }

        @Test func `HTTP 1.0 is never told to go on, and its connection ends`() async throws {
            let server = try server()
            defer { server.stop() }
            let connection = try RawConnection(port: server.port)
            connection.send(
                "POST /v1/things HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer all\r\nExpect: 100-continue\r\n"
                    + "Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"name\":\"a\"}")
            try await eventually { connection.isClosed }
            #expect(!connection.text.contains("100 Continue"))
            #expect(connection.text.contains("201 Created"))
        }

        @Test func `one address takes no more than its share; whoever is too much is told so`() async throws {
            let registry = MetricRegistry(stage: "t", instance: "t-0", version: "1")
            let server = try server(dispatcher: SampleAPI.dispatcher(registry)) { $0.maxConnectionsPerAddress = 2 }
            defer { server.stop() }
            let inside = try (0..<2).map { _ in try RawConnection(port: server.port) }
            for connection in inside { #expect(try await connection.get("/v1/open") == 200) }
            let outside = try RawConnection(port: server.port)
            try await eventually { outside.isClosed }
            #expect(outside.text.hasPrefix("HTTP/1.1 503 "))
            #expect(outside.text.contains("\"code\":\"too_many_connections\""))
            #expect(registry.render().contains("operation=\"none\",status=\"503\"} 1"))
            let other = try RawConnection(port: server.port, from: "127.0.0.2")
            #expect(try await other.get("/v1/open") == 200)
            #expect(try await inside[0].get("/v1/open") == 200)
        }

        @Test func `strangers have little time, whoever showed a token has more`() async throws {
            let server = try server {
                $0.strangerTimeout = .seconds(2)
                $0.idleTimeout = .hours(1)
            }
            defer { server.stop() }
            let trusted = try RawConnection(port: server.port)
            #expect(try await trusted.get("/v1/things", fields: "authorization: Bearer all\r\n") == 200)
            let silent = try RawConnection(port: server.port)
            let slow = try RawConnection(port: server.port)
            slow.send("GET /v1/open HTTP/1.1\r\nho")
            let stranger = try RawConnection(port: server.port)
            #expect(try await stranger.get("/v1/open") == 200)
            try await eventually { silent.isClosed && slow.isClosed && stranger.isClosed }
            #expect(silent.text.isEmpty)
            #expect(slow.text.contains("408") && slow.text.contains("header_timeout"))
            #expect(try await trusted.get("/v1/things", fields: "authorization: Bearer all\r\n") == 200)
        }
    }
}

extension String {
    fileprivate func components(of separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: true)
    }
}
