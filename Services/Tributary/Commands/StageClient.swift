import StageRuntime

/// Asks a stage on its admin socket and turns every trouble into a sentence.
struct StageClient {
    let instance: String
    private let client: AdminClient

    /// The router, which holds the event log, the dead letters and the quarantine.
    static func router(_ configuration: TributaryConfiguration) -> StageClient {
        StageClient(instance: "fanout-router-0", configuration)
    }

    /// The first ingress, which takes replays.
    static func ingress(_ configuration: TributaryConfiguration) -> StageClient {
        StageClient(instance: "ingress-gateway-0", configuration)
    }

    private init(instance: String, _ configuration: TributaryConfiguration) {
        self.instance = instance
        client = AdminClient(socketPath: "\(configuration.runDir)/\(instance).admin")
    }

    /// The answer's JSON. Fails with 69 when the stage does not run and with 1 when it refuses.
    func ask(_ method: String, _ target: String, _ body: JSONText? = nil) throws(StageFailure) -> JSONValue {
        let reply: HTTPReply
        do {
            reply = try client.request(method, target, body: body?.bytes ?? [])
        } catch {
            guard error.code == .notReachable else {
                throw StageFailure(.io, "\(instance) gave no answer to \(method) \(target): \(error.sentence)")
            }
            throw StageFailure(
                .unavailable,
                "\(instance) does not run (\(error.sentence)); start the pipeline with: scripts/supervisor up -d")
        }
        let value = JSONValue.read(reply.body)
        guard (200..<300).contains(reply.status) else {
            let sentence = value?["error"]["text"].text ?? ""
            let text = sentence.isEmpty ? String(reply.text.prefix(300)).trimmed : sentence
            throw StageFailure(.failure, "\(instance) refuses with \(reply.status): \(printable(text))")
        }
        guard let value else {
            throw StageFailure(.failure, "\(instance) answered \(method) \(target) with something that is not JSON")
        }
        return value
    }

    /// A path with the parameters that have a value.
    static func target(_ path: String, _ parameters: [(String, String?)]) -> String {
        let pairs = parameters.compactMap { name, value in value.map { "\(name)=\(AdminClient.encoded($0))" } }
        return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }
}
