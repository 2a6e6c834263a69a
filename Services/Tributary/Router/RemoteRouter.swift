import ControlClient
import Executable
import PipelineConfiguration
import WebSocket

/// The control API of a router on another machine: a bearer token over TLS.
struct RemoteRouter {
    let url: EndpointURL
    private let token: String
    private let caFile: String?
    /// What stands before `/v1` in the URL, without a slash at its end.
    private let base: String

    /// Without TLS the token would be read by whoever listens, so `isInsecure` must say it beyond this machine. Fails with
    /// 64 where the URL or the token cannot be used.
    init(_ text: String, token: [UInt8], caFile: String?, isInsecure: Bool) throws(StageFailure) {
        do {
            url = try EndpointURL(text)
        } catch {
            throw StageFailure(
                .usage,
                "api_malformed: --api \(printable(text)): \(error.reason); write https://router.example.com:8443")
        }
        guard !url.target.contains("?") else {
            throw StageFailure(.usage, "api_malformed: --api takes no query")
        }
        let isHere = url.host == "localhost" || ListenAddress(host: url.host, port: url.port).isLoopback
        guard url.isTLS || isHere || isInsecure else {
            throw StageFailure(
                .usage,
                "api_not_encrypted: \(url.text) would carry the token in clear; use https, or say --insecure")
        }
        guard !token.isEmpty, token.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw StageFailure(.usage, "token_malformed: a token is made of visible ASCII characters without blanks")
        }
        self.token = String(decoding: token, as: UTF8.self)
        self.caFile = caFile
        var base = url.target
        while base.hasSuffix("/") { base.removeLast() }
        self.base = base
    }

    /// Asks with a connection of its own.
    func request(_ method: String, _ target: String, body: [UInt8]) throws(HTTPFailure) -> HTTPReply {
        let client = try ControlClient("\(url.isTLS ? "https" : "http")://\(url.hostHeader)", caFile: caFile)
        let headers = [("Authorization", "Bearer \(token)"), ("Accept", "application/json")]
        return try client.request(method, base + target, headers: headers, body: body)
    }

    /// What opens a WebSocket connection to it.
    func webSocket(_ target: String, limits: WebSocketLimits) throws(HTTPFailure) -> WebSocketClient.Request {
        var request = WebSocketClient.Request(
            place: .tcp(host: url.host, port: url.port), host: url.hostHeader, target: base + target, limits: limits)
        request.headers = [("Authorization", "Bearer \(token)")]
        if url.isTLS { request.tls = try ControlClient.tls(caFile: caFile) }
        return request
    }
}
