import ControlClient
import Executable
import Glibc
import JSON
import PipelineConfiguration
import Primitives
import WebSocket

/// Asks a stage and turns every trouble into a sentence: on its admin socket, or the router over the network.
struct StageClient {
    private enum Way {
        case socket(ControlClient)
        case network(RemoteRouter)
    }

    /// What it is called in sentences: the instance, or the URL.
    let instance: String
    private let way: Way

    /// A router, which holds the event log, the dead letters and the quarantine of its sources.
    static func router(_ configuration: TributaryConfiguration, number: Int = 0) -> StageClient {
        StageClient(instance: "\(Stage.fanoutRouter.rawValue)-\(number)", configuration)
    }

    /// The first ingress, which takes replays.
    static func ingress(_ configuration: TributaryConfiguration) -> StageClient {
        StageClient(instance: "ingress-gateway-0", configuration)
    }

    /// The first verifier, which says what it would make of a replay.
    static func verifier(_ configuration: TributaryConfiguration) -> StageClient {
        StageClient(instance: "verifier-0", configuration)
    }

    private init(instance: String, _ configuration: TributaryConfiguration) {
        self.instance = instance
        way = .socket(ControlClient(socketPath: "\(configuration.runDir)/\(instance).admin"))
    }

    /// A router elsewhere.
    init(_ remote: RemoteRouter) {
        instance = remote.url.text
        way = .network(remote)
    }

    /// What opens a WebSocket connection to a router: on the socket of its streams, which needs no token, or over the
    /// network.
    func webSocket(_ target: String, limits: WebSocketLimits) throws(StageFailure) -> WebSocketClient.Request {
        switch way {
        case .socket(let client):
            return WebSocketClient.Request(
                place: .socket(path: String(client.place.dropLast("admin".count)) + "stream"), host: "localhost",
                target: target, limits: limits)
        case .network(let remote):
            do throws(HTTPFailure) {
                return try remote.webSocket(target, limits: limits)
            } catch {
                throw StageFailure(.usage, error.sentence)
            }
        }
    }

    /// The answer's JSON; null where the answer has no body. Fails with 69 when the stage does not run and with 1 when it
    /// refuses.
    func ask(_ method: String, _ target: String, _ body: JSONText? = nil) throws(StageFailure) -> JSONValue {
        try reply(method, target, body).value
    }

    /// The same with the answer's own bytes.
    func reply(_ method: String, _ target: String, _ body: JSONText? = nil) throws(StageFailure) -> StageReply {
        let reply = try exchange(method, target, body?.bytes ?? [])
        let value = JSONValue.read(reply.body)
        guard (200..<300).contains(reply.status) else {
            throw StageFailure(
                .failure, "\(instance) refuses with \(reply.status)\(Refusal(value, text: reply.text).sentence)")
        }
        if reply.body.isEmpty { return StageReply(value: .null, text: "") }
        guard let value else {
            throw StageFailure(.failure, "\(instance) answered \(method) \(target) with something that is not JSON")
        }
        return StageReply(value: value, text: reply.text)
    }

    private func exchange(
        _ method: String, _ target: String, _ body: [UInt8]
    ) throws(StageFailure) -> HTTPReply {
        do throws(HTTPFailure) {
            switch way {
            case .socket(let client): return try client.request(method, target, body: body)
            case .network(let remote): return try remote.request(method, target, body: body)
            }
        } catch {
            switch (error.code, way) {
            case (.notPermitted, .socket(let client)):
                let reason = FileAccess.failure(client.place, EACCES).sentence
                throw StageFailure(.noPermission, "\(instance) cannot be asked: \(reason)")
            case (.notReachable, .socket):
                throw StageFailure(
                    .unavailable,
                    "\(instance) does not run (\(error.sentence)); start the pipeline with: scripts/supervisor up -d")
            case (.notReachable, .network):
                throw StageFailure(
                    .unavailable,
                    "\(instance) cannot be reached: \(error.sentence); is router.listen set and the router running?")
            case (.notTrusted, _):
                throw StageFailure(
                    .unavailable,
                    "\(instance) is not trusted: \(printable(error.sentence)); name its authority with --ca FILE")
            default:
                throw StageFailure(.io, "\(instance) gave no answer to \(method) \(target): \(error.sentence)")
            }
        }
    }

    /// A path with the parameters that have a value.
    static func target(_ path: String, _ parameters: [(String, String?)]) -> String {
        let pairs = parameters.compactMap { name, value in value.map { "\(name)=\(PercentCoding.encode($0.utf8))" } }
        return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }
}

/// A successful answer.
struct StageReply {
    let value: JSONValue
    /// As it came, for `--json`.
    let text: String
}

/// What a stage says when it refuses: `application/problem+json` of the control API, or the `error` of an admin endpoint.
private struct Refusal {
    /// Begins with a blank or a colon.
    let sentence: String

    init(_ value: JSONValue?, text: String) {
        let problem = value ?? .null
        if !problem["detail"].text.isEmpty || !problem["title"].text.isEmpty {
            let detail = problem["detail"].text.isEmpty ? problem["title"].text : problem["detail"].text
            let code = problem["code"].text
            // A single error is often what the sentence says already.
            let errors = problem["errors"].elements.filter { !detail.contains($0["detail"].text) }.map { error in
                "\n  \(printable(error["pointer"].text)): \(printable(error["detail"].text))"
            }
            sentence = "\(code.isEmpty ? "" : " " + printable(code)): \(printable(detail))\(errors.joined())"
        } else {
            let said = problem["error"]["text"].text
            sentence = ": " + printable(said.isEmpty ? String(text.prefix(300)).trimmed : said)
        }
    }
}
