import CommitLog
import StageMetrics
import Synchronization
import WebhookIntake
import Wire

/// Hands fetched webhooks to the journal, and says of them when they are on disk or cannot be taken.
final class ConnectorIntake: IntakeDelegate {
    /// Whether all that were handed over together are on disk; otherwise none of them is.
    typealias Completion = @Sendable (Bool) -> Void

    private struct State {
        var next: UInt32 = 0
        var waiting: [UInt32: Completion] = [:]
        var isClosed = false
    }

    private let mailbox: JournalMailbox
    private let journal: JournalState
    private let instance: String
    private let maxBodyBytes: Int
    private let startedTraces: Double
    private let state = Mutex(State())

    /// `maxBodyBytes`: webhooks with larger bodies go into quarantine. `startedTraces`: the share of webhooks without a
    /// trace context that get one.
    init(
        mailbox: JournalMailbox, journal: JournalState, instance: String, maxBodyBytes: Int, startedTraces: Double = 0
    ) {
        self.startedTraces = startedTraces
        self.mailbox = mailbox
        self.journal = journal
        self.instance = instance
        self.maxBodyBytes = maxBodyBytes
    }

    /// Whether the journal takes webhooks; while it does not, nothing is to be fetched.
    var isOpen: Bool {
        journal.mode.load(ordering: .relaxed) == .accepting && !mailbox.isFull && !state.withLock { $0.isClosed }
    }

    /// Takes one webhook. `completion` is called once, from the journal's thread or at once.
    func take(_ webhook: FetchedWebhook, of connector: ConnectorSettings, completion: @escaping Completion) {
        submit([record(of: webhook, connector)], completion)
    }

    /// Takes webhooks in their order, a row of the journal after the other: behind one that cannot be taken none is, so that
    /// none overtakes another. How many are on disk.
    func take(_ webhooks: [FetchedWebhook], of connector: ConnectorSettings) async -> Int {
        var rows: [[RecordBatch]] = []
        var bytes = 0
        for record in webhooks.map({ record(of: $0, connector) }) {
            bytes += record.byteCount
            if !rows.isEmpty, bytes <= Limits.batchBytes {
                rows[rows.count - 1].append(record)
            } else {
                rows.append([record])
                bytes = record.byteCount
            }
        }
        var taken = 0
        for row in rows {
            let isOnDisk = await withCheckedContinuation { done in submit(row) { done.resume(returning: $0) } }
            guard isOnDisk else { break }
            taken += row.count
        }
        return taken
    }

    private func record(of webhook: FetchedWebhook, _ connector: ConnectorSettings) -> RecordBatch {
        var writer = ByteWriter()
        let from = FetchedFrom(
            connector: connector.name, source: connector.source, instance: instance,
            startedTraces: startedTraces, maxBodyBytes: maxBodyBytes)
        webhook.append(from, receivedAtNanoseconds: wallNanoseconds(), to: &writer)
        return RecordBatch(written: writer.bytes, ends: [writer.count])
    }

    /// `records`: one at least, and no more than go into a row, so that one commit takes them.
    private func submit(_ records: [RecordBatch], _ completion: @escaping Completion) {
        let number = state.withLock { state -> UInt32? in
            guard !state.isClosed else { return nil }
            state.next &+= 1
            state.waiting[state.next] = completion
            return state.next
        }
        guard let number else { return completion(false) }
        let token = ReplyToken(
            sink: 0, slot: 0, generation: 0, request: number, startedNanoseconds: monotonicNanoseconds())
        let tokens = Array(repeating: token, count: records.count)
        mailbox.submit([PendingBatch(RecordBatch(joining: records), tokens: tokens)])
    }

    /// Takes nothing more; what was taken is still answered.
    func close() { state.withLock { $0.isClosed = true } }

    func journaled(_ tokens: [ReplyToken], first: UInt64, journal: JournalID, at nanoseconds: Int64) -> Bool {
        finish(tokens, isOnDisk: true)
        return state.withLock { !$0.waiting.isEmpty }
    }

    func refused(_ tokens: [ReplyToken], _ error: LogError) { finish(tokens, isOnDisk: false) }

    /// Those of one row have the same number.
    private func finish(_ tokens: [ReplyToken], isOnDisk: Bool) {
        let done = state.withLock { state in tokens.compactMap { state.waiting.removeValue(forKey: $0.request) } }
        for completion in done { completion(isOnDisk) }
    }
}
