import ControlClient
import DeliverySigning
import Executable
import JSON
import PipelineConfiguration
import StageMetrics

/// Where `listen` posts events, and how they are signed: what a developer works on.
struct LocalTarget: Sendable {
    let url: EndpointURL
    var signing = SigningConfiguration(scheme: .none)
    var secrets: [[UInt8]] = []
    var timeoutSeconds = 30

    /// `3000`, `3000/path` or a URL.
    static func url(_ text: String) throws(InvalidURL) -> EndpointURL {
        let port = text.prefix { $0.isASCII && $0.isNumber }
        let rest = text[port.endIndex...]
        if !port.isEmpty, rest.isEmpty || rest.hasPrefix("/") {
            return try EndpointURL("http://localhost:\(port)\(rest)")
        }
        return try EndpointURL(text)
    }
}

/// What came of one request.
enum PostOutcome: Sendable, Equatable {
    case answered(Int)
    /// No answer, and why.
    case failed(String)

    var isSuccess: Bool {
        if case .answered(200..<300) = self { true } else { false }
    }

    var text: String {
        switch self {
        case .answered(let status): String(status)
        case .failed(let reason): reason
        }
    }
}

/// Posts events, one after the other. Belongs to one thread.
final class LocalPoster {
    private let target: LocalTarget
    private let signer: DeliverySigner
    private let client: ControlClient

    /// Fails with 64 where a secret does not fit its scheme.
    init(_ target: LocalTarget) throws(StageFailure) {
        self.target = target
        do {
            signer = try DeliverySigner(target.signing, secrets: target.secrets)
        } catch {
            throw StageFailure(.usage, "secret_malformed: --secret: \(error)")
        }
        do {
            client = try ControlClient(
                "\(target.url.isTLS ? "https" : "http")://\(target.url.hostHeader)", keepsAlive: true,
                timeoutSeconds: target.timeoutSeconds)
        } catch {
            throw StageFailure(.usage, error.sentence)
        }
    }

    /// Makes one attempt, counted from 1, and waits for its answer.
    func post(_ event: ListenedEvent, attempt: Int) -> (outcome: PostOutcome, nanoseconds: Int64) {
        var fields = event.fields
        event.body.withUnsafeBytes { body in
            signer.sign(
                id: Array(event.webhookID.utf8), attempt: attempt, nowSeconds: wallNanoseconds() / 1_000_000_000,
                body: { $0(body) }
            ) { fields.append(($0, String(decoding: $1, as: UTF8.self))) }
        }
        let started = monotonicNanoseconds()
        let outcome: PostOutcome
        do throws(HTTPFailure) {
            let reply = try client.request("POST", target.url.target, headers: fields, body: event.body)
            outcome = .answered(reply.status)
        } catch {
            outcome = .failed(error.sentence)
        }
        return (outcome, monotonicNanoseconds() - started)
    }
}
