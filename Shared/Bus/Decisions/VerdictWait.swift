internal import DequeModule
package import Wire

/// The answer to journaled webhooks: at once, or with the verifier's verdict. `verdict` is nil where none was awaited or
/// none came in time; the webhook is safe on disk all the same.
package struct AnswerRange: Equatable, Sendable {
    package var sequences: SequenceRange
    package var verdict: Verdict?

    package init(sequences: SequenceRange, verdict: Verdict?) {
        self.sequences = sequences
        self.verdict = verdict
    }
}

/// The webhooks whose HTTP answer waits for a verdict, and for how long.
package struct VerdictWait: Sendable {
    private struct Slot {
        var sequence: UInt64
        var deadline: Int64
        var isAnswered = false
    }

    private let timeoutNanoseconds: Int64
    private var slots: Deque<Slot> = []
    /// The latest wait was in vain, so nobody waits until a verdict comes.
    package private(set) var isHopeless = false

    package init(timeoutNanoseconds: Int64) {
        self.timeoutNanoseconds = timeoutNanoseconds
    }

    /// The next deadline; nil when nothing waits.
    package var nextDeadline: Int64? { slots.first?.deadline }

    /// Begins to wait for `sequences`, which follow on all that wait already.
    package mutating func wait(for sequences: SequenceRange, at now: Int64) {
        for sequence in sequences.first...sequences.last {
            slots.append(Slot(sequence: sequence, deadline: now + timeoutNanoseconds))
        }
    }

    /// A verdict came; returns which of its webhooks were still waiting for it.
    package mutating func decided(_ entry: VerdictNotice.Entry) -> [AnswerRange] {
        isHopeless = false
        var answers: [AnswerRange] = []
        var index = firstIndex(notBelow: entry.sequences.first)
        while index < slots.count, slots[index].sequence <= entry.sequences.last {
            if !slots[index].isAnswered {
                slots[index].isAnswered = true
                answers.append(slots[index].sequence, entry.verdict)
            }
            index += 1
        }
        while let first = slots.first, first.isAnswered { slots.removeFirst() }
        return answers
    }

    /// What has waited long enough is answered without a verdict.
    package mutating func expire(at now: Int64) -> [AnswerRange] {
        var answers: [AnswerRange] = []
        while let first = slots.first, first.isAnswered || first.deadline <= now {
            slots.removeFirst()
            guard !first.isAnswered else { continue }
            isHopeless = true
            answers.append(first.sequence, nil)
        }
        return answers
    }

    /// Whether one from `first` on waits.
    package func waits(from first: UInt64) -> Bool { slots.last.map { $0.sequence >= first } ?? false }

    /// What waits from `first` on is answered without a verdict.
    package mutating func giveUp(from first: UInt64) -> [AnswerRange] {
        let index = firstIndex(notBelow: first)
        var answers: [AnswerRange] = []
        for slot in slots[index...] where !slot.isAnswered { answers.append(slot.sequence, nil) }
        slots.removeSubrange(index...)
        return answers
    }

    /// Other records bear these numbers from now on: what waits is answered, and the next may hope again.
    package mutating func restart() -> [AnswerRange] {
        isHopeless = false
        return giveUp(from: 0)
    }

    private func firstIndex(notBelow sequence: UInt64) -> Int {
        var (low, high) = (0, slots.count)
        while low < high {
            let middle = (low + high) / 2
            if slots[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension [AnswerRange] {
    /// Adds one answer, joined to the last one where it continues it.
    mutating func append(_ sequence: UInt64, _ verdict: Verdict?) {
        if let last = indices.last, self[last].verdict == verdict, self[last].sequences.last + 1 == sequence {
            self[last].sequences.last = sequence
        } else {
            append(AnswerRange(sequences: SequenceRange(sequence, sequence), verdict: verdict))
        }
    }
}
