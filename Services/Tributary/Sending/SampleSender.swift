import ControlClient
import Executable
import Glibc
import PipelineConfiguration
import StageMetrics
import Synchronization
import Threads

/// Sends sample webhooks over several keep-alive connections, at a given rate or as fast as answers come.
final class SampleSender: Sendable {
    /// What to send.
    enum Contents: Sendable {
        /// One webhook of each type per round, with header fields besides those of the provider.
        case samples(SampleChoice, headers: [(name: String, value: String)])
        /// The operator's body with header fields of theirs.
        case body([UInt8], named: String, headers: [(name: String, value: String)], contentType: String)
    }

    /// Where and how to send.
    struct Plan: Sendable {
        let contents: Contents
        let signer: WebhookSigner
        let rounds: Int
        /// Webhooks per second over all connections; nil for as fast as possible.
        let rate: Double?
        let connections: Int
        let url: EndpointURL
        /// The URL as it may be shown: without tokens.
        let shownURL: String

        /// What each round consists of.
        var types: [String] {
            switch contents {
            case .samples(let choice, _): choice.types
            case .body(_, let name, _, _): [name]
            }
        }
    }

    private let plan: Plan
    private let next = Atomic<Int>(0)
    private let outcomes = Mutex<[SendOutcome]>([])
    private let startNanoseconds = monotonicNanoseconds()

    init(plan: Plan) {
        self.plan = plan
    }

    /// Sends everything and returns what became of it, in the order of the answers.
    func send() -> [SendOutcome] {
        let threads = (0..<plan.connections).map { number in
            BlockingThread(name: "send-\(number)") { self.sendOnOneConnection() }
        }
        for thread in threads { thread.join() }
        return outcomes.withLock { $0 }
    }

    private func sendOnOneConnection() {
        while true {
            let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard number < plan.rounds * plan.types.count else { return }
            waitUntilDue(number)
            let type = plan.types[number % plan.types.count]
            let outcome = sendOne(type)
            outcomes.withLock { $0.append(outcome) }
        }
    }

    private func sendOne(_ type: String) -> SendOutcome {
        let webhook: SampleWebhook
        do {
            webhook = try make(type)
        } catch {
            return SendOutcome(id: "", type: type, status: nil, latencyNanoseconds: 0, failure: error.sentence)
        }
        let id = webhook.eventIDs.first ?? webhook.id
        let start = monotonicNanoseconds()
        do throws(HTTPFailure) {
            let reply = try client().request(
                "POST", plan.target(of: webhook), headers: webhook.headers, body: webhook.body)
            return SendOutcome(
                id: id, type: type, status: reply.status, latencyNanoseconds: monotonicNanoseconds() - start,
                failure: reply.status < 300 ? nil : String(reply.text.prefix(200)), eventIDs: webhook.eventIDs)
        } catch {
            return SendOutcome(
                id: id, type: type, status: nil, latencyNanoseconds: monotonicNanoseconds() - start,
                failure: error.sentence, isUnreachable: error.code == .notReachable, eventIDs: webhook.eventIDs)
        }
    }

    private func make(_ type: String) throws(StageFailure) -> SampleWebhook {
        switch plan.contents {
        case .samples(let choice, let headers):
            return try SampleWebhook.make(choice, type: type, headers: headers, signer: plan.signer)
        case .body(let body, let name, let headers, let contentType):
            return SampleWebhook.make(
                body: body, named: name, headers: headers, contentType: contentType, signer: plan.signer)
        }
    }

    private func client() throws(HTTPFailure) -> ControlClient {
        try ControlClient("http://\(plan.url.hostHeader)", keepsAlive: true)
    }

    private func waitUntilDue(_ number: Int) {
        guard let rate = plan.rate else { return }
        let due = startNanoseconds + Int64(Double(number) / rate * 1e9)
        var until = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
        // Keeping a rate is waiting for the clock; nothing else would end this wait.
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nil) == EINTR {}
    }
}

extension SampleSender.Plan {
    /// What stands on the request line.
    func target(of webhook: SampleWebhook) -> String {
        if webhook.query.isEmpty { return url.target }
        return url.target + (url.target.contains("?") ? "&" : "?") + webhook.query
    }
}

/// What became of one webhook.
struct SendOutcome: Sendable {
    /// The id of its first event, where that is known beforehand; otherwise the webhook's own.
    let id: String
    let type: String
    /// Nil when there was no answer.
    let status: Int?
    let latencyNanoseconds: Int64
    /// Why it is not 2xx.
    let failure: String?
    /// Whether nobody listened at all.
    var isUnreachable = false
    /// The ids of its events, where they are known beforehand.
    var eventIDs: [String] = []
}
