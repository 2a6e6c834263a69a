/// Why the journal could not do what it was asked, with a sentence for the operator.
package struct JournalError: Error, Sendable, CustomStringConvertible {
    /// Stable words; the ingress answers 503 with them.
    package enum Code: String, Sendable {
        /// The disk is full. Nothing was stored; works again when there is space.
        case full = "journal_full"
        /// The configured budget is used up. Works again when the router has settled something.
        case overBudget = "journal_over_budget"
        /// Writing or syncing failed; the journal accepts nothing more until the process is started anew.
        case failed = "journal_failed"
        /// The files are not a journal, or damaged. Never repaired silently.
        case corrupt = "journal_corrupt"
        /// Another process has it.
        case locked = "journal_locked"
        /// The folder cannot be used.
        case unusable = "journal_unusable"
    }

    package let code: Code
    package let sentence: String

    package init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    package var description: String { "\(code.rawValue): \(sentence)" }
}
