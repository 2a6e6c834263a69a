import AdminServer
import ControlClient
import Executable
import Glibc
import StageMetrics
import Synchronization
import Testing
import Threads

@Suite struct AdminEndpointTests {
    let path = "/tmp/tributary-admin-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).admin"
    let registry = MetricRegistry(stage: "verifier", instance: "verifier-0", version: "1")

    /// Serves while `body` runs.
    private func serving(
        checks: [HealthCheck] = [], routes: [AdminRoute] = [], metricsListen: ListenAddress? = nil,
        _ body: (AdminEndpoint, ControlClient) throws -> Void
    ) throws {
        let endpoint = try AdminEndpoint(
            socketPath: path, metricsListen: metricsListen, registry: registry, readiness: { checks }, routes: routes)
        defer { endpoint.close() }
        try body(endpoint, ControlClient(socketPath: path))
    }

    /// One request; the endpoint must answer.
    private func ask(
        _ client: ControlClient, _ method: String, _ target: String, _ body: [UInt8] = []
    ) throws -> HTTPReply {
        try client.request(method, target, body: body)
    }

    private func route(_ method: String, _ prefix: String, _ text: String) -> AdminRoute {
        AdminRoute(method: method, pathPrefix: prefix) { _ in .text(200, text) }
    }

    @Test func `an endpoint that closes lets a route that runs answer`() throws {
        let (began, mayEnd, answered) = (Latch(), Latch(), Latch())
        let text = Mutex("")
        let slow = AdminRoute(method: "GET", pathPrefix: "/slow") { _ in
            began.open()
            mayEnd.wait()
            return .text(200, "answered")
        }
        let endpoint = try AdminEndpoint(
            socketPath: path, metricsListen: nil, registry: registry, readiness: { [] }, routes: [slow])
        let client = ControlClient(socketPath: path)
        BlockingThread(name: "client") {
            let reply = try? client.request("GET", "/slow")
            text.withLock { $0 = reply?.text ?? "" }
            answered.open()
        }
        began.wait()
        BlockingThread(name: "release") {
            // Listening has ended, so closing has begun.
            while (try? client.request("GET", "/healthz")) != nil { sched_yield() }
            mayEnd.open()
        }
        endpoint.close()
        answered.wait()
        #expect(text.withLock { $0 } == "answered")
    }

    @Test func `health and metrics are served on the Unix socket`() throws {
        registry.counter("tributary_records_total", help: "Records.").add(7)
        try serving { (_, client) throws in
            let health = try client.request("GET", "/healthz")
            #expect(health.status == 200)
            #expect(health.text == "ok\n")
            let metrics = try client.request("GET", "/metrics")
            #expect(metrics.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(
                metrics.text.contains("tributary_records_total{stage=\"verifier\",stage_instance=\"verifier-0\"} 7\n"))
        }
    }

    @Test func `readiness is 200 only when every check is fine`() throws {
        let fine = HealthCheck(name: "bus", ok: true, detail: "1 link")
        try serving(checks: [fine]) { (_, client) throws in
            let reply = try client.request("GET", "/readyz")
            #expect(reply.status == 200)
            #expect(reply.text == #"{"status":"ready","checks":{"bus":{"ok":true,"detail":"1 link"}}}"#)
        }
        try serving(checks: [fine, HealthCheck(name: "log", ok: false, detail: "disk \"full\"")]) {
            (_, client) throws in
            let reply = try client.request("GET", "/readyz")
            #expect(reply.status == 503)
            #expect(reply.text.contains(#""status":"not ready""#))
            #expect(reply.text.contains(#""log":{"ok":false,"detail":"disk \"full\""}"#))
        }
    }

    @Test func `routes get path, query and body, and the longest prefix wins`() throws {
        let echo = AdminRoute(method: "POST", pathPrefix: "/echo") { request in
            let query = request.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return .text(201, "\(request.path)|\(query.joined(separator: "&"))|\(request.body.count)")
        }
        let routes = [echo, route("GET", "/a", "short"), route("GET", "/a/b", "long")]
        try serving(routes: routes) { (_, client) throws in
            let reply = try client.request("POST", "/echo/x%20y?b=1+2&a=%C3%BC&c", body: [1, 2, 3])
            #expect(reply.status == 201)
            #expect(reply.text == "/echo/x y|a=ü&b=1 2&c=|3")
            #expect(try ask(client, "GET", "/a/b/c").text == "long")
            #expect(try ask(client, "GET", "/a/c").text == "short")
            #expect(try ask(client, "GET", "/ab").status == 404)
        }
    }

    @Test func `a route with a table of its own gets every method, the target as sent and the content type`() throws {
        let table = AdminRoute(everythingBelow: "/v1") { request in
            AdminReply(
                status: request.method == "DELETE" ? 204 : 200,
                contentType: request.method == "DELETE" ? "" : "application/problem+json",
                body: request.method == "DELETE" ? [] : Array("\(request.method) \(request.target)".utf8),
                fields: [("allow", request.contentType ?? "none")])
        }
        try serving(routes: [table]) { (_, client) throws in
            let reply = try client.request("PATCH", "/v1/a%2Fb?c=%20&c", body: [1])
            #expect(reply.text == "PATCH /v1/a%2Fb?c=%20&c")
            #expect(reply.header("allow") == "application/json")
            #expect(reply.header("content-type") == "application/problem+json")
            let dropped = try client.request("DELETE", "/v1")
            #expect(dropped.status == 204)
            #expect(dropped.header("content-type") == nil)
            #expect(dropped.header("content-length") == nil)
        }
    }

    @Test func `wrong paths, methods and targets get 4xx`() throws {
        try serving(routes: [route("POST", "/replay", "x")]) { (_, client) throws in
            #expect(try ask(client, "GET", "/nowhere").status == 404)
            #expect(try ask(client, "GET", "/replay").status == 405)
            #expect(try ask(client, "POST", "/healthz", [1]).status == 405)
            for target in ["/%zz", "/a?b=%", "nopath"] {
                let reply = rawExchange(path, "GET \(target) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                #expect(reply.hasPrefix("HTTP/1.1 400 "), "\(target): \(reply)")
            }
            let error = try client.request("GET", "/nowhere").text
            #expect(error == #"{"error":{"code":"not_found","text":"nothing is served at /nowhere"}}"#)
        }
    }

    @Test func `a body as large as a route takes is taken and a larger one refused with 413`() throws {
        let limit = 8 * 1024 * 1024
        let count = AdminRoute(method: "POST", pathPrefix: "/n", maxBodyBytes: limit) {
            .text(200, "\($0.body.count)")
        }
        try serving(routes: [count]) { (_, client) throws in
            let full = [UInt8](repeating: 97, count: limit)
            #expect(try ask(client, "POST", "/n", full).text == "\(limit)")
            // The server may close before the last byte was sent; then there is no answer to read.
            let refused = try? client.request("POST", "/n", body: full + [97])
            #expect(refused.map { $0.status == 413 } ?? true)
            #expect(try ask(client, "GET", "/healthz").status == 200)
        }
    }

    @Test func `a slow route does not hold up the metrics`() throws {
        let entered = Latch()
        let release = Latch()
        let slow = AdminRoute(method: "GET", pathPrefix: "/slow") { _ in
            entered.open()
            release.wait()
            return .text(200, "done")
        }
        try serving(routes: [slow]) { (_, client) throws in
            let finished = Latch()
            let answer = Mutex("")
            BlockingThread(name: "slow") {
                let reply = try? client.request("GET", "/slow")
                answer.withLock { $0 = reply?.text ?? "none" }
                finished.open()
            }
            entered.wait()
            #expect(try ask(client, "GET", "/metrics").status == 200)
            release.open()
            finished.wait()
            #expect(answer.withLock { $0 } == "done")
        }
    }

    @Test func `several requests follow one another on one connection`() throws {
        try serving { (_, _) throws in
            let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n"
            let replies = rawExchange(
                path, String(repeating: request + "\r\n", count: 99) + request + "Connection: close\r\n\r\n")
            #expect(replies.split(separator: "HTTP/1.1 200 OK\r\n").count == 100)
        }
    }

    @Test func `garbage gets 400 and closes, and the endpoint lives on`() throws {
        try serving { (_, client) throws in
            for garbage in [
                "\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                "\r\n\r\n\r\nx y z\r\n\r\n",
            ] {
                let reply = rawExchange(path, garbage)
                #expect(reply.isEmpty || reply.hasPrefix("HTTP/1.1 4"), "\(garbage): \(reply)")
            }
            #expect(try ask(client, "GET", "/healthz").status == 200)
        }
    }

    @Test func `the endpoint is as strict about heads as every listener`() throws {
        try serving { (_, client) throws in
            for fields in ["Host: a,b", "Host: x\r\nHost: x", "Host: x\r\nTransfer-Encoding: gzip", "X: y"] {
                let reply = rawExchange(path, "GET / HTTP/1.1\r\n\(fields)\r\n\r\n").lowercased()
                #expect(reply.hasPrefix("http/1.1 400 ") && reply.contains("http_malformed"), "\(fields)")
                #expect(reply.contains("\r\ndate: ") && reply.contains("\r\nconnection: close\r\n"))
            }
            #expect(try ask(client, "GET", "/healthz").status == 200)
        }
    }

    @Test func `over TCP there are health and metrics and nothing else`() throws {
        let listen = ListenAddress(host: "127.0.0.1", port: 0)
        try serving(routes: [route("GET", "/events", "secret")], metricsListen: listen) { (endpoint, client) throws in
            let tcp = try ControlClient("http://127.0.0.1:\(try #require(endpoint.metricsPort))")
            #expect(try tcp.request("GET", "/metrics").status == 200)
            #expect(try tcp.request("GET", "/events").status == 404)
            #expect(try ask(client, "GET", "/events").text == "secret")
        }
    }

    @Test func `a stale socket is replaced, and the socket is gone after closing`() throws {
        for _ in 0..<2 {
            try serving { (_, client) throws in
                #expect(try ask(client, "GET", "/healthz").status == 200)
            }
        }
        let failure = #expect(throws: HTTPFailure.self) {
            try ControlClient(socketPath: path).request("GET", "/healthz")
        }
        #expect(failure?.code == .notReachable)
        #expect(access(path, F_OK) != 0)
    }

    @Test func `an address that is taken is said`() throws {
        try serving(metricsListen: ListenAddress(host: "127.0.0.1", port: 0)) { (endpoint, _) throws in
            let taken = ListenAddress(host: "127.0.0.1", port: try #require(endpoint.metricsPort))
            let failure = #expect(throws: StageFailure.self) {
                try AdminEndpoint(
                    socketPath: path + "2", metricsListen: taken, registry: registry, readiness: { [] })
            }
            #expect(failure?.status == .io)
            #expect(failure?.sentence.contains("metrics_listen \(taken)") ?? false)
        }
        let long = "/tmp/" + String(repeating: "a", count: 120)
        #expect(throws: StageFailure.self) {
            try AdminEndpoint(socketPath: long, metricsListen: nil, registry: registry, readiness: { [] })
        }
    }
}
