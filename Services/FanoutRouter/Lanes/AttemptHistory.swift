import EventLog

/// The attempts of one lane: those worth keeping until they are saved, and the latest successes in memory only.
struct AttemptHistory {
    /// Successes remembered per subscription.
    private static let recentLimit = 1000
    /// Unsaved attempts kept while the log cannot write.
    private static let unsavedLimit = 2000

    private var recent: [AttemptRecord] = []
    private var oldest = 0
    private var unsaved: [AttemptRecord] = []

    /// A first attempt that succeeded is an everyday event and not written to disk; all else is.
    mutating func add(_ attempt: AttemptRecord, isEveryday: Bool) {
        if !isEveryday {
            if unsaved.count < Self.unsavedLimit { unsaved.append(attempt) }
        } else if recent.count < Self.recentLimit {
            recent.append(attempt)
        } else {
            recent[oldest] = attempt
            oldest = (oldest + 1) % Self.recentLimit
        }
    }

    /// What is to be saved.
    mutating func takeUnsaved() -> [AttemptRecord] {
        defer { unsaved.removeAll(keepingCapacity: true) }
        return unsaved
    }

    /// What is known of one event and not on disk.
    func attempts(at position: UInt64) -> [AttemptRecord] {
        unsaved.filter { $0.position == position } + recent.filter { $0.position == position }
    }
}
