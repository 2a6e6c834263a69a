import Dispatch
import Foundation
import Synchronization

/// What became of one webhook that was sent.
struct SentWebhook: Sendable {
    let number: Int
    let startedNanoseconds: Int64
    let answeredNanoseconds: Int64
    /// 0 when there was no answer.
    let status: Int
    /// `Retry-After` was given.
    let hasRetryAfter: Bool
    /// From the answer's id: the place in the journal. 0 when there is none.
    let sequence: UInt64
    let journal: String

    var isAccepted: Bool { status == 202 }
}

/// Sends numbered webhooks over several keep-alive connections at a steady rate. A request that fails is never
/// repeated; what falls behind (because connections wait for a restart) is sent as fast as answers come.
final class LoadGenerator: Sendable {
    /// Numbers `first` and up.
    let first: Int
    let count: Int
    private let perSecond: Double
    private let connections: Int
    private let port: UInt16
    private let makeRequest: @Sendable (Int) -> [UInt8]
    private let sent = Mutex<[SentWebhook]>([])
    private let isStopped = Atomic<Bool>(false)
    private let finished = DispatchGroup()

    init(
        port: UInt16, first: Int = 0, count: Int, perSecond: Double, connections: Int = 8,
        makeRequest: @escaping @Sendable (Int) -> [UInt8] = { SignedWebhook.request($0, mixed: true) }
    ) {
        (self.port, self.first, self.count, self.perSecond) = (port, first, count, perSecond)
        (self.connections, self.makeRequest) = (connections, makeRequest)
    }

    func start() {
        let start = monotonicNanoseconds()
        for connection in 0..<connections {
            finished.enter()
            Thread.detachNewThread {
                self.sendShare(of: connection, startNanoseconds: start)
                self.finished.leave()
            }
        }
    }

    /// Ends the load after the requests under way.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Waits for the end of the load and returns what was sent, by number.
    func wait() -> [SentWebhook] {
        finished.wait()
        return soFar.sorted { $0.number < $1.number }
    }

    /// What was sent until now, in the order of the answers.
    var soFar: [SentWebhook] { sent.withLock { $0 } }

    private func sendShare(of connection: Int, startNanoseconds: Int64) {
        var client: HTTPClient?
        for index in stride(from: connection, to: count, by: connections) {
            if isStopped.load(ordering: .relaxed) { return }
            let request = makeRequest(first + index)
            sleepUntil(startNanoseconds + Int64(Double(index) / perSecond * 1e9))
            let outcome = send(request, number: first + index, &client)
            sent.withLock { $0.append(outcome) }
        }
    }

    private func send(_ request: [UInt8], number: Int, _ client: inout HTTPClient?) -> SentWebhook {
        let started = monotonicNanoseconds()
        do {
            let open = try client ?? HTTPClient(port: port)
            client = nil
            let reply = try open.exchange(request)
            if reply.field("connection") != "close" { client = open }
            let (journal, sequence) = Self.place(in: reply)
            return SentWebhook(
                number: number, startedNanoseconds: started, answeredNanoseconds: monotonicNanoseconds(),
                status: reply.status, hasRetryAfter: reply.field("retry-after") != nil, sequence: sequence,
                journal: journal)
        } catch {
            // Refused at once: the next attempts shall not burn up the whole load.
            pause(seconds: 0.01)
            return SentWebhook(
                number: number, startedNanoseconds: started, answeredNanoseconds: monotonicNanoseconds(), status: 0,
                hasRetryAfter: false, sequence: 0, journal: "")
        }
    }

    /// Journal and sequence in `{"id":"<journal>-<sequence>"}`.
    static func place(in reply: HTTPReply) -> (journal: String, sequence: UInt64) {
        let text = reply.text
        guard reply.status == 202, text.hasPrefix("{\"id\":\""), let dash = text.lastIndex(of: "-") else {
            return ("", 0)
        }
        let digits = text[text.index(after: dash)...].dropLast(2)
        return (String(text[..<dash].dropFirst(7)), UInt64(digits) ?? 0)
    }
}
