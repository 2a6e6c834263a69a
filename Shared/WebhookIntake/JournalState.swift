package import CommitLog
package import Synchronization

/// What other threads may know of the journal: written by its thread, read by event loops, metrics and health.
package final class JournalState: Sendable {
    /// Whether webhooks are taken in.
    package enum Mode: UInt8, AtomicRepresentable, Sendable {
        case accepting, full, overBudget, failed

        /// `shortage`: why the journal would not take webhooks.
        init(_ shortage: LogError?) {
            switch shortage?.code {
            case nil: self = .accepting
            case .full: self = .full
            case .overBudget: self = .overBudget
            default: self = .failed
            }
        }
    }

    package let mode = Atomic<Mode>(.accepting)
    package let nextSequence = Atomic<UInt64>(1)
    package let watermark = Atomic<UInt64>(0)
    package let retainedBytes = Atomic<Int>(0)
    /// Receipt of the oldest unsettled webhook, nanoseconds since 1970; 0 where there is none.
    package let oldestUnsettledNanoseconds = Atomic<Int64>(0)
    /// Why the journal took nothing in when it last did not.
    package let lastError = Mutex<LogError?>(nil)

    package init() {}

    /// Webhooks that are not settled.
    package var backlog: UInt64 {
        let last = nextSequence.load(ordering: .relaxed) - 1
        let settled = watermark.load(ordering: .relaxed)
        return last > settled ? last - settled : 0
    }

    package func oldestUnsettledSeconds(now: Int64) -> Double {
        let oldest = oldestUnsettledNanoseconds.load(ordering: .relaxed)
        return oldest == 0 ? 0 : max(0, Double(now - oldest) / 1e9)
    }
}

/// Remembers when which sequence was received, at most one mark per second, to know the age of the oldest that is not
/// settled without asking the disk.
struct UnsettledAges {
    private var marks: [(first: UInt64, receivedAtNanoseconds: Int64)] = []
    private var dropped = 0
    private static let spacingNanoseconds: Int64 = 1_000_000_000

    /// Notes that `first` and what follows was received then. Sequences rise.
    mutating func note(first: UInt64, receivedAtNanoseconds: Int64) {
        if let last = marks.last, dropped < marks.count,
            receivedAtNanoseconds - last.receivedAtNanoseconds < Self.spacingNanoseconds
        {
            return
        }
        marks.append((first, receivedAtNanoseconds))
    }

    /// Drops what is settled through `watermark`; `next` is the sequence not yet given.
    mutating func settle(through watermark: UInt64, next: UInt64) {
        if watermark + 1 >= next {
            marks.removeAll(keepingCapacity: true)
            dropped = 0
            return
        }
        while dropped + 1 < marks.count, marks[dropped + 1].first <= watermark + 1 { dropped += 1 }
        if dropped > 1024, dropped * 2 > marks.count {
            marks.removeFirst(dropped)
            dropped = 0
        }
    }

    /// Receipt of the oldest, to the second; 0 where all is settled.
    var oldestNanoseconds: Int64 { dropped < marks.count ? marks[dropped].receivedAtNanoseconds : 0 }
}
