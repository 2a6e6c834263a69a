import CommitLog
package import Executable

/// What went wrong in the event log: a stable code and a sentence that says what, why and how to fix it.
package struct EventLogError: Error, Sendable, CustomStringConvertible {
    /// What the caller can do about it; the raw value is the word in log lines and metrics.
    package enum Code: String, Sendable {
        /// No space is left: nothing was written, trying again later is right.
        case diskFull = "disk_full"
        /// The disk refused a write or an fsync: what it holds is unknown, so nothing more may be written.
        case storageFailed = "storage_failed"
        /// The file is not this log, or not of a version that this program reads.
        case notThisLog = "not_this_log"
        /// Another process holds the file.
        case busy
        /// Anything else, such as a damaged page.
        case unreadable
    }

    package var code: Code
    package var sentence: String

    package init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    package var description: String { "\(code.rawValue): \(sentence)" }
}

extension EventLogError {
    /// What the process ends with.
    package var stageFailure: StageFailure {
        let status: ExitStatus =
            switch code {
            case .busy: .temporary
            case .notThisLog: .configuration
            default: .io
            }
        return StageFailure(status, "event_log_\(self)")
    }

    init(_ error: LogError) {
        switch error.code {
        case .full, .overBudget: self.init(.diskFull, error.sentence)
        case .failed: self.init(.storageFailed, error.sentence)
        case .locked: self.init(.busy, error.sentence)
        case .version: self.init(.notThisLog, error.sentence)
        case .tooLarge, .damaged, .unusable: self.init(.unreadable, error.sentence)
        }
    }
}
