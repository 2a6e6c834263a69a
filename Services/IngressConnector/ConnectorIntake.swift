import Journal
import StageMetrics
import Synchronization
import WebhookIntake
import Wire

/// Hands fetched webhooks to the journal, and says of each when it is on disk or cannot be taken.
final class ConnectorIntake: IntakeDelegate {
    typealias Completion = @Sendable ([Bool]) -> Void

    private struct Waiting {
        /// Whether each webhook is on disk; nil: not known yet.
        var outcomes: [Bool?]
        let completion: Completion
    }

    private struct State {
        var next: UInt32 = 0
        var waiting: [UInt32: Waiting] = [:]
        var isClosed = false
    }

    private let mailbox: JournalMailbox
    private let journal: JournalState
    private let instance: String
    private let maxBodyBytes: Int
    private let state = Mutex(State())

    /// `maxBodyBytes`: what the stages behind can hold.
    init(mailbox: JournalMailbox, journal: JournalState, instance: String, maxBodyBytes: Int) {
        self.mailbox = mailbox
        self.journal = journal
        self.instance = instance
        self.maxBodyBytes = maxBodyBytes
    }

    /// Whether the journal takes webhooks; while it does not, nothing is to be fetched.
    var isOpen: Bool {
        journal.mode.load(ordering: .relaxed) == .accepting && !mailbox.isFull && !state.withLock { $0.isClosed }
    }

    /// Whether a body is not larger than the stages behind can hold.
    func takes(bodyBytes: Int) -> Bool { bodyBytes <= maxBodyBytes }

    /// Takes webhooks in their order. `completion` is called once, from the journal's thread or at once.
    func take(
        _ webhooks: [FetchedWebhook], of connector: ConnectorSettings, completion: @escaping Completion
    ) {
        let number = state.withLock { state -> UInt32? in
            guard !state.isClosed, !webhooks.isEmpty else { return nil }
            state.next &+= 1
            state.waiting[state.next] = Waiting(
                outcomes: Array(repeating: nil, count: webhooks.count), completion: completion)
            return state.next
        }
        guard let number else { return completion(webhooks.map { _ in false }) }
        let from = FetchedFrom(connector: connector.name, source: connector.source, instance: instance)
        let (received, started) = (wallNanoseconds(), monotonicNanoseconds())
        mailbox.submit(
            webhooks.enumerated().map { index, webhook in
                var writer = ByteWriter()
                webhook.append(from, receivedAtNanoseconds: received, to: &writer)
                return PendingBatch(
                    RecordBatch(written: writer.bytes, ends: [writer.count]),
                    tokens: [
                        ReplyToken(
                            sink: 0, slot: Int32(index), generation: 0, request: number, startedNanoseconds: started)
                    ])
            })
    }

    /// The same for a task.
    func take(_ webhooks: [FetchedWebhook], of connector: ConnectorSettings) async -> [Bool] {
        await withCheckedContinuation { continuation in
            take(webhooks, of: connector) { continuation.resume(returning: $0) }
        }
    }

    /// Takes nothing more; what was taken is still answered.
    func close() { state.withLock { $0.isClosed = true } }

    func journaled(_ tokens: [ReplyToken], first: UInt64, journal: JournalID, at nanoseconds: Int64) {
        finish(tokens, isOnDisk: true)
    }

    func refused(_ tokens: [ReplyToken], _ error: JournalError) { finish(tokens, isOnDisk: false) }

    private func finish(_ tokens: [ReplyToken], isOnDisk: Bool) {
        let done = state.withLock { state -> [(Completion, [Bool])] in
            tokens.compactMap { token in
                state.waiting[token.request]?.outcomes[Int(token.slot)] = isOnDisk
                guard let waiting = state.waiting[token.request] else { return nil }
                let outcomes = waiting.outcomes.compactMap(\.self)
                guard outcomes.count == waiting.outcomes.count else { return nil }
                state.waiting[token.request] = nil
                return (waiting.completion, outcomes)
            }
        }
        for (completion, outcomes) in done { completion(outcomes) }
    }
}
