package import EventLog

/// The attempts of one lane: those worth keeping until they are saved, and the latest successes in memory only. Bounded
/// in their number and in the bytes of their answers.
package struct AttemptHistory {
    /// Successes remembered per subscription.
    private static let recentLimit = 1000
    /// Unsaved attempts kept while the log cannot write.
    private static let unsavedLimit = 2000
    /// Bytes of answers kept of either kind; what is beyond is kept without its answer.
    static let answerBytes = 128 * 1024

    /// A ring: the attempt with number `n`, counted from 0, lies at `n % recentLimit`.
    private var recent: [AttemptRecord] = []
    private var added = 0
    /// The oldest number whose answer is still there, and the bytes of all from it on.
    private var oldestAnswer = 0
    private var recentBytes = 0
    private var unsaved: [AttemptRecord] = []
    private var unsavedBytes = 0

    /// The bytes of all answers.
    var sizeBytes: Int { recentBytes + unsavedBytes }

    /// A first attempt that succeeded is an everyday event and not written to disk; all else is.
    mutating func add(_ attempt: AttemptRecord, isEveryday: Bool) {
        if isEveryday { return remember(attempt) }
        guard unsaved.count < Self.unsavedLimit else { return }
        var attempt = attempt
        if unsavedBytes + attempt.answer.count > Self.answerBytes { attempt.answer = [] }
        unsavedBytes += attempt.answer.count
        unsaved.append(attempt)
    }

    private mutating func remember(_ attempt: AttemptRecord) {
        if recent.count < Self.recentLimit {
            recent.append(attempt)
        } else {
            if oldestAnswer == added - Self.recentLimit { forgetOldestAnswer() }
            recent[added % Self.recentLimit] = attempt
        }
        added += 1
        recentBytes += attempt.answer.count
        while recentBytes > Self.answerBytes { forgetOldestAnswer() }
    }

    private mutating func forgetOldestAnswer() {
        let slot = oldestAnswer % Self.recentLimit
        recentBytes -= recent[slot].answer.count
        recent[slot].answer = []
        oldestAnswer += 1
    }

    /// What is to be saved.
    mutating func takeUnsaved() -> [AttemptRecord] {
        defer {
            unsaved.removeAll(keepingCapacity: true)
            unsavedBytes = 0
        }
        return unsaved
    }

    /// What is not on disk and wanted, in no order.
    package func attempts(_ isWanted: (AttemptRecord) -> Bool) -> [AttemptRecord] {
        unsaved.filter(isWanted) + recent.filter(isWanted)
    }

    /// What is known of one event and not on disk.
    func attempts(at position: UInt64) -> [AttemptRecord] {
        attempts { $0.position == position }
    }
}
