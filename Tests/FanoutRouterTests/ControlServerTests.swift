import AdminServer
import ControlClient
import Foundation
import JSON
import LogSamples
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import StageMetrics
import Synchronization
import TestCertificates
import Testing

@testable import ControlAPI
@testable import Executable
@testable import PipelineConfiguration
@testable import ServerCertificates

/// The control API over real sockets.
@Suite(.serialized) struct ControlServerTests {
    private let logger = Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() })

    private static func token(_ text: String, _ scopes: Set<APIScope>) throws -> APITokens.Entry {
        let reference = SecretReference(place: .literal(text), keyPath: "router.api_tokens[0]")
        let configured = APITokenConfiguration(
            name: "ops", scopes: Set(scopes.map(\.rawValue)), secret: .reference(reference))
        return try #require(try APITokens.read([configured]).first)
    }

    private func server(
        _ change: (inout ControlServer.Settings) -> Void = { _ in }, tls: ServerTLS? = nil,
        dispatcher: APIDispatcher? = nil,
        tokens: APITokens? = nil
    ) throws -> ControlServer {
        var settings = ControlServer.Settings(listen: ListenAddress(host: "127.0.0.1", port: 0))
        change(&settings)
        return try ControlServer(
            settings, tls: tls, tokens: try tokens ?? APITokens([Self.token("all", Set(APIScope.allCases))]),
            dispatcher: dispatcher ?? SampleAPI.dispatcher(), logger: logger)
    }

    private func ask(
        _ server: ControlServer, _ method: String, _ target: String, host: String = "localhost",
        fields: [(String, String)] = [("authorization", "Bearer all")], body: String = ""
    ) throws -> HTTPReply {
        let client = try ControlClient("http://127.0.0.1:\(server.port)")
        return try client.request(method, target, headers: fields + [("host", host)], body: Array(body.utf8))
    }

    @Test func `operations are answered on one connection, HEAD without the body`() throws {
        let server = try server()
        defer { server.stop() }
        let client = try ControlClient("http://127.0.0.1:\(server.port)", keepsAlive: true)
        let authorization = [("Authorization", "bearer all")]
        for _ in 0..<3 {
            let reply = try client.request("GET", "/v1/things/one", headers: authorization)
            #expect(reply.status == 200)
            #expect(reply.text == "\"one\"")
            #expect(reply.header("cache-control") == "no-store")
        }
        let dropped = try client.request("DELETE", "/v1/things/one", headers: authorization)
        #expect(dropped.status == 204)
        let made = try ask(server, "POST", "/v1/things", body: "{\"name\":\"a\"}")
        #expect(made.status == 201)
        #expect(made.header("location") == "/v1/things/new")
        #expect(server.readiness().map(\.ok) == [true])
    }

    @Test func `HEAD says the length and sends nothing`() async throws {
        let server = try server()
        defer { server.stop() }
        let connection = try RawConnection(port: server.port)
        connection.send("HEAD /v1/open HTTP/1.1\r\nhost: localhost\r\n\r\n")
        try await eventually { connection.text.contains("\r\n\r\n") }
        #expect(connection.text.lowercased().contains("content-length: 7"))
        #expect(!connection.text.contains("hello"))
        #expect(try await connection.get("/v1/open") == 200)
    }

    @Test func `nothing is done without a token that has the scope`() throws {
        let registry = MetricRegistry(stage: "t", instance: "t-0", version: "1")
        let tokens = APITokens([
            try Self.token("reader", [.read]), try Self.token("writer", [.write]),
        ])
        let server = try server(dispatcher: SampleAPI.dispatcher(registry), tokens: tokens)
        defer { server.stop() }
        let none = try ask(server, "GET", "/v1/things", fields: [])
        #expect(none.status == 401)
        #expect(none.header("www-authenticate") == "Bearer realm=\"tributary\"")
        #expect(none.header("content-type") == "application/problem+json")
        for wrong in ["Bearer", "Bearer ", "Bearer readerx", "Basic reader", "reader", "Bearer reader reader"] {
            #expect(try ask(server, "GET", "/v1/things", fields: [("authorization", wrong)]).status == 401)
        }
        #expect(try ask(server, "GET", "/v1/things?access_token=reader", fields: []).status == 401)
        #expect(try ask(server, "GET", "/v1/things", fields: [("authorization", "Bearer reader")]).status == 200)
        let lacking = try ask(server, "DELETE", "/v1/things/a", fields: [("authorization", "Bearer reader")])
        #expect(lacking.status == 403)
        #expect(lacking.text.contains("scope replay"))
        #expect(try ask(server, "GET", "/v1/open", fields: []).status == 200)
        #expect(registry.render().contains("operation=\"listThings\",status=\"401\"} 8"))

        tokens.replace([try Self.token("fresh", [.read])])
        #expect(try ask(server, "GET", "/v1/things", fields: [("authorization", "Bearer reader")]).status == 401)
        #expect(try ask(server, "GET", "/v1/things", fields: [("authorization", "Bearer fresh")]).status == 200)
    }

    @Test func `a page that calls this machine by its own name is not answered`() throws {
        let server = try server()
        defer { server.stop() }
        for host in ["localhost", "LocalHost:8443", "127.0.0.1", "127.1.2.3:80", "[::1]:8443", "[::1]"] {
            #expect(try ask(server, "GET", "/v1/things", host: host).status == 200, "\(host)")
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"] {
            let reply = try ask(server, "GET", "/v1/things", host: host)
            #expect(reply.status == 421, "\(host)")
            #expect(reply.text.contains("misdirected"))
        }
        let origin = [("origin", "https://evil.example"), ("authorization", "Bearer all")]
        let reply = try ask(server, "GET", "/v1/things", fields: origin)
        #expect(!reply.headers.contains { $0.name.hasPrefix("access-control") || $0.name == "set-cookie" })
    }

    @Test func `the host of the public URL counts too, and beyond loopback no other`() {
        let behindProxy = HostRule(
            listen: ListenAddress(host: "127.0.0.1", port: 1), publicURL: "https://API.example.com")
        let open = HostRule(listen: ListenAddress(host: "0.0.0.0", port: 1), publicURL: "")
        let named = HostRule(listen: ListenAddress(host: "0.0.0.0", port: 1), publicURL: "https://api.example.com:8443")
        #expect(throws: Never.self) { try behindProxy.check("api.example.com:443") }
        #expect(throws: APIProblem.self) { try behindProxy.check("other.example.com") }
        #expect(throws: Never.self) { try open.check("anything") }
        #expect(throws: Never.self) { try named.check("API.example.com") }
        #expect(throws: APIProblem.self) { try named.check("localhost") }
    }

    @Test func `a body that is too large is refused before and while it comes`() async throws {
        let server = try server()
        defer { server.stop() }
        let head =
            "POST /v1/things HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer all\r\n"
            + "content-type: application/json\r\n"
        let announced = try RawConnection(port: server.port)
        announced.send(head + "content-length: 1048577\r\n\r\n")
        try await eventually { announced.text.contains("413") && announced.isClosed }

        let chunked = try RawConnection(port: server.port)
        chunked.send(head + "transfer-encoding: chunked\r\n\r\n")
        let chunk = String(repeating: " ", count: 1 << 16)
        for _ in 0..<17 { chunked.send("10000\r\n\(chunk)\r\n") }
        try await eventually { chunked.text.contains("413") && chunked.isClosed }
        #expect(chunked.text.contains("body_too_large"))

        let stranger = try RawConnection(port: server.port)
        stranger.send("POST /v1/things HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20\r\n\r\n{")
        try await eventually { stranger.text.contains("401") }
        stranger.send(String(repeating: " ", count: 19))
        try await eventually { stranger.isClosed }
    }

    @Test func `who asks whether to go on is told so`() async throws {
        let server = try server()
        defer { server.stop() }
        let connection = try RawConnection(port: server.port)
        connection.send(
            "POST /v1/things HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer all\r\nexpect: 100-continue\r\n"
                + "content-type: application/json\r\ncontent-length: 12\r\n\r\n")
        try await eventually { connection.text.contains("HTTP/1.1 100") }
        connection.send("{\"name\":\"a\"}")
        try await eventually { connection.text.contains("201 Created") }
    }

    @Test func `who ends its side after a request gets the answer, in the middle of a body nothing`() async throws {
        let server = try server()
        defer { server.stop() }
        let whole = try RawConnection(port: server.port)
        whole.send("GET /v1/open HTTP/1.1\r\nhost: localhost\r\n\r\n")
        whole.endSending()
        try await eventually { whole.isClosed }
        #expect(whole.text.contains("hello"))
        let half = try RawConnection(port: server.port)
        half.send(
            "POST /v1/things HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer all\r\n"
                + "content-type: application/json\r\ncontent-length: 12\r\n\r\n{")
        half.endSending()
        try await eventually { half.isClosed }
        #expect(!half.text.contains("201"))
    }

    @Test func `a client that dawdles is cut off`() async throws {
        let server = try server {
            $0.idleTimeout = .milliseconds(200)
            $0.bodyDeadline = .milliseconds(500)
        }
        defer { server.stop() }
        let silent = try RawConnection(port: server.port)
        let slowHead = try RawConnection(port: server.port)
        slowHead.send("GET /v1/open HTTP/1.1\r\nhost: loc")
        let slowBody = try RawConnection(port: server.port)
        slowBody.send(
            "POST /v1/things HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer all\r\n"
                + "content-type: application/json\r\ncontent-length: 1000\r\n\r\n")
        try await eventually {
            slowBody.send(" ")
            return slowBody.isClosed
        }
        #expect(!slowBody.text.contains("201"))
        try await eventually { silent.isClosed && slowHead.isClosed }
        // On a busy machine the deadlines of this test cut off one that does not dawdle, too.
        var status = 0
        for _ in 0..<50 where status != 200 { status = try await RawConnection(port: server.port).get("/v1/open") }
        #expect(status == 200)
    }

    @Test func `what is not HTTP is refused`() async throws {
        let server = try server()
        defer { server.stop() }
        let garbage = try RawConnection(port: server.port)
        garbage.send("SSH-2.0-OpenSSH_9.2\r\n\r\n")
        try await eventually { garbage.isClosed }
        let long = try RawConnection(port: server.port)
        long.send("GET /v1/open HTTP/1.1\r\nhost: localhost\r\nx: \(String(repeating: "a", count: 200_000))\r\n\r\n")
        try await eventually { long.isClosed }
        #expect(!long.text.contains("200 OK"))
    }

    @Test func `slow operations leave room for others, and too many at once are told to come back`() async throws {
        let gate = DispatchSemaphore(value: 0)
        let slow = APIOperation(
            "slow", .get, "/v1/slow", scope: nil, summary: "Waits.", success: APIResult(200, "Done.", .string())
        ) { _ in
            gate.wait()
            return APIReply(200, .string("done"))
        }
        let dispatcher = APIDispatcher(
            operations: [slow], schemas: [], registry: MetricRegistry(stage: "t", instance: "t-0", version: "1"),
            logger: logger)
        let server = try server(dispatcher: dispatcher)
        defer { server.stop() }
        let room = ControlResponder.workers + ControlResponder.mostWaiting
        let connections = try (0...room).map { _ in try RawConnection(port: server.port) }
        for connection in connections { connection.send("GET /v1/slow HTTP/1.1\r\nhost: localhost\r\n\r\n") }
        try await eventually { connections.contains { $0.text.contains("503") && $0.text.contains("retry-after: 1") } }
        for _ in 0..<room { gate.signal() }
        try await eventually { connections.allSatisfy { !$0.text.isEmpty } }
        #expect(connections.count { $0.text.contains("200 OK") } == room)
    }

    @Test func `an address that is taken is said, and stopping lets an operation end`() async throws {
        let begun = DispatchSemaphore(value: 0)
        let gate = DispatchSemaphore(value: 0)
        let slow = APIOperation(
            "slow", .get, "/v1/slow", scope: nil, summary: "Waits.", success: APIResult(200, "Done.", .string())
        ) { _ in
            begun.signal()
            gate.wait()
            return APIReply(200, .string("done"))
        }
        let dispatcher = APIDispatcher(
            operations: [slow], schemas: [], registry: MetricRegistry(stage: "t", instance: "t-0", version: "1"),
            logger: logger)
        let first = try server(dispatcher: dispatcher)
        let failure = #expect(throws: StageFailure.self) {
            _ = try server { $0.listen = ListenAddress(host: "127.0.0.1", port: first.port) }
        }
        #expect(failure?.sentence.contains("another process listens there already") == true)
        #expect(failure?.status == .io)

        let port = first.port
        let connection = try RawConnection(port: port)
        connection.send("GET /v1/slow HTTP/1.1\r\nhost: localhost\r\n\r\n")
        begun.wait()
        let stopped = Mutex(false)
        let thread = Thread {
            first.stop()
            stopped.withLock { $0 = true }
        }
        thread.start()
        // The listening socket goes first.
        try await eventually { (try? ControlClient("http://127.0.0.1:\(port)").request("GET", "/v1/open")) == nil }
        gate.signal()
        try await eventually { stopped.withLock { $0 } && connection.isClosed }
        #expect(connection.text.contains("done"))
        #expect(first.readiness().map(\.ok) == [false])
    }

    @Test func `certificates change without a connection being dropped`() async throws {
        let folder = try TemporaryFolder()
        let (key, certificate) = (folder.path + "/key.pem", folder.path + "/certificate.pem")
        let first = try Self.makeCertificate(key, certificate)
        let configuration = ListenerTLS(
            certificate: SecretReference(place: .file(certificate), keyPath: "router.tls.certificate"),
            key: SecretReference(place: .file(key), keyPath: "router.tls.key"))
        let tls = try ServerTLS(configuration)
        let server = try server(tls: tls)
        defer { server.stop() }

        let early = try RawConnection(port: server.port, tls: first)
        #expect(try await early.get("/v1/open") == 200)
        let plain = try RawConnection(port: server.port)
        plain.send("GET /v1/open HTTP/1.1\r\nhost: localhost\r\n\r\n")
        try await eventually { plain.isClosed }
        #expect(!plain.text.contains("200 OK"))

        let second = try Self.makeCertificate(key, certificate)
        try tls.reload()
        #expect(try await early.get("/v1/open") == 200)
        let late = try RawConnection(port: server.port, tls: second)
        #expect(try await late.get("/v1/open") == 200)
        let distrusting = try RawConnection(port: server.port, tls: first)
        #expect(try await distrusting.get("/v1/open") == 0)
    }

    /// Writes a self-signed certificate for `localhost`; gives what a client needs to trust it alone.
    private static func makeCertificate(_ key: String, _ certificate: String) throws -> NIOSSLContext {
        try OpenSSL.makeCertificate(certificate, key: key)
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(certificate))
        return try NIOSSLContext(configuration: configuration)
    }
}
