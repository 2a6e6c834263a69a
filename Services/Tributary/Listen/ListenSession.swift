import Executable
import JSON
import StageMetrics
import Synchronization
import Threads

/// A `listen` at work: what the stream brings is posted in its order by one thread, and shown by another. What waits is
/// bounded; a local server that is slow makes the stream wait, and in the end the router closes it, which loses nothing,
/// as it goes on from the last event.
final class ListenSession: Sendable {
    /// How many events wait for their post before the stream has to.
    static let mostWaiting = 64

    private struct State {
        var rows = ListenRows()
        /// Row numbers, in the order in which they are to be posted.
        var waiting: [Int] = []
        var stream = "connecting"
        /// Where the stream goes on.
        var token: String?
    }

    /// Told of each row when its post has ended, on the thread that posts; without a target when the event is here.
    private let ended: @Sendable (ListenRows.Row) -> Void
    private let isPosting: Bool
    private let state = Mutex(State())
    private let arrived = TimedSemaphore()
    private let posted = TimedSemaphore()

    /// `target`: nil where events are shown alone. Fails with 64 where it cannot be used.
    init(
        _ target: LocalTarget?, ended: @escaping @Sendable (ListenRows.Row) -> Void = { _ in }
    ) throws(StageFailure) {
        isPosting = target != nil
        self.ended = ended
        guard let target else { return }
        // Checked here, where its failure can be said; the thread has one of its own.
        _ = try LocalPoster(target)
        BlockingThread(name: "post") { [weak self] in
            guard let poster = try? LocalPoster(target) else { return }
            while let self { self.postNext(poster) }
        }
    }

    var rows: ListenRows { state.withLock { $0.rows } }

    var stream: String { state.withLock { $0.stream } }

    /// Where the stream goes on; nil before the first event.
    var token: String? { state.withLock { $0.token } }

    func setStream(_ text: String) { state.withLock { $0.stream = text } }

    /// Changes rows by what a key asks for.
    func change<Result>(_ body: (inout ListenRows) -> Result) -> Result { state.withLock { body(&$0.rows) } }

    /// The stream has come to this place without an event, such as behind a gap.
    func advance(to token: String) { state.withLock { $0.token = token } }

    /// Takes an event; waits where too many wait to be posted.
    func take(_ event: ListenedEvent) {
        while state.withLock({ $0.waiting.count >= Self.mostWaiting }) { _ = posted.wait(milliseconds: 1_000) }
        let row = state.withLock { state in
            let number = state.rows.append(event)
            state.token = event.token
            if isPosting { state.waiting.append(number) }
            return state.rows.row(number)
        }
        if !isPosting, let row { ended(row) } else { arrived.signal() }
    }

    /// Posts an event once more, before those that wait.
    func sendAgain(_ number: Int) {
        guard isPosting else { return }
        state.withLock { $0.waiting.insert(number, at: 0) }
        arrived.signal()
    }

    private func postNext(_ poster: LocalPoster) {
        guard arrived.wait(milliseconds: 1_000),
            let row = state.withLock({ state in
                state.waiting.isEmpty ? nil : state.rows.row(state.waiting.removeFirst())
            })
        else { return }
        posted.signal()
        let (outcome, nanoseconds) = poster.post(row.event, attempt: row.attempts + 1)
        let noted = state.withLock { state in
            state.rows.note(row.number, outcome, nanoseconds: nanoseconds)
            return state.rows.row(row.number)
        }
        if let noted { ended(noted) }
    }
}
