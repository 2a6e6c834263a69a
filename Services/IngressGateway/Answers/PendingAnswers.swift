import Bus
import DequeModule
import Synchronization
import WebhookIntake
import Wire

/// Who waits for the answer to which sequence. Filled by the journal's thread, emptied by the bus' thread.
final class PendingAnswers: Sendable {
    private struct State {
        var journal = JournalID(high: 0, low: 0)
        /// The sequence of the first entry.
        var first: UInt64 = 1
        /// One entry per sequence without a gap; nil once answered.
        var tokens: Deque<ReplyToken?> = []
    }

    private let state = Mutex(State())

    /// Notes who waits for the sequences from `first` on, and returns how many wait now. Sequences without anybody waiting
    /// are left out.
    @discardableResult
    func add(_ tokens: [ReplyToken], first: UInt64, journal: JournalID) -> Int {
        state.withLock { state in
            state.journal = journal
            if state.tokens.isEmpty { state.first = first }
            precondition(first == state.first + UInt64(state.tokens.count), "sequences are given without a gap")
            state.tokens.append(contentsOf: tokens.lazy.map(Optional.some))
            return state.tokens.count
        }
    }

    /// Takes out whoever waits for these answers. Sequences that nobody waits for are passed over.
    func take(_ answers: [AnswerRange]) -> [(ReplyToken, Answer)] {
        state.withLock { state in
            var taken: [(ReplyToken, Answer)] = []
            for answer in answers {
                let end = state.first + UInt64(state.tokens.count)
                let first = max(answer.sequences.first, state.first)
                guard answer.sequences.last < .max, first < end else { continue }
                for sequence in first..<max(first, min(answer.sequences.last + 1, end)) {
                    let index = Int(sequence - state.first)
                    guard let token = state.tokens[index] else { continue }
                    state.tokens[index] = nil
                    taken.append((token, Answer(answer.verdict, journal: state.journal, sequence: sequence)))
                }
            }
            while let front = state.tokens.first, front == nil {
                state.tokens.removeFirst()
                state.first += 1
            }
            return taken
        }
    }

    /// Takes out everybody: their webhooks are on disk, but under numbers that no longer count.
    func takeAll() -> [(ReplyToken, Answer)] {
        state.withLock { state in
            let taken = zip(state.tokens, state.first...).compactMap { token, sequence in
                token.map { ($0, Answer.accepted(state.journal, sequence, isVerified: false)) }
            }
            state.tokens.removeAll()
            return taken
        }
    }

    /// How many wait.
    var count: Int { state.withLock { $0.tokens.count } }
}
