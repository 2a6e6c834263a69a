package import Executable
package import Wire

/// The random identity of a log. (log id, number) names what is in it for ever.
package typealias LogID = JournalID

/// An append-only list of records, durable before anybody hears of them.
///
/// A record takes one number or several consecutive ones (1, 2, 3 …): whoever appends says how many things it holds. Used
/// by one thread. `Tests/CommitLogTests/ContractTests.swift` is what every engine must pass.
package protocol CommitLog: AnyObject {
    var id: LogID { get }
    /// The first number that can still be read; `next` when nothing is retained.
    var first: UInt64 { get }
    /// The number that the next record begins with. Never given out twice, and not derived from what is retained.
    var next: UInt64 { get }
    /// The highest settled number that a stored record or an orderly end has carried.
    var settled: UInt64 { get }

    /// Stores one record. Completions come in the order of the submissions; after `unknown` every further record is
    /// refused until the log is opened anew, which finds out. An engine on files completes before it returns.
    func submit(_ record: LogRecord, completion: @escaping (SubmitOutcome) -> Void)

    /// Records in order, beginning with the one that holds `number` or, where that is gone, the first one behind it. At
    /// least one if there is one, otherwise not more than `maxBytes` of content. What damage has taken is an entry too.
    func read(from number: UInt64, maxBytes: Int) throws(LogError) -> [LogEntry]

    /// Gives up everything below `number`. After a crash some of it may be there again.
    func trim(below number: UInt64) throws(LogError)
}

extension CommitLog {
    /// Stores one record on an engine that completes before `submit` returns. Gives the bytes that it takes.
    package func append(_ record: LogRecord) -> Result<Int, LogError> {
        var stored = Result<Int, LogError>.success(0)
        submit(record) { outcome in
            switch outcome {
            case .stored(let byteCount): stored = .success(byteCount)
            case .refused(let error), .unknown(let error): stored = .failure(error)
            }
        }
        return stored
    }
}

/// What is to be stored. The bytes are copied before `submit` returns.
package struct LogRecord {
    /// The first number that it takes. This is the fence: it must be the log's `next`.
    package var first: UInt64
    /// How many numbers it takes; at least 1.
    package var count: Int
    /// Everything up to here is done with, as far as the owner knows; travels with the record at no cost.
    package var settled: UInt64
    /// The content, in pieces that lie behind one another on the disk.
    package var parts: [UnsafeRawBufferPointer]

    package init(first: UInt64, count: Int, settled: UInt64 = 0, parts: [UnsafeRawBufferPointer]) {
        self.first = first
        self.count = count
        self.settled = settled
        self.parts = parts
    }
}

/// What became of a submission.
package enum SubmitOutcome {
    /// On the disk, whatever happens now, where it takes so many bytes.
    case stored(byteCount: Int)
    /// Not stored and never will be; the number is still free.
    case refused(LogError)
    /// Whether it is stored will be known when the log is opened anew.
    case unknown(LogError)
}

/// One piece of what `read` finds.
package enum LogEntry: Equatable, Sendable {
    case record(StoredRecord)
    /// Numbers that were given out and whose content is damaged; `end` is the number behind the last one.
    case missing(first: UInt64, end: UInt64)
}

package struct StoredRecord: Equatable, Sendable {
    /// The identity of the log when the record was stored.
    package let id: LogID
    package let first: UInt64
    package let count: Int
    package let settled: UInt64
    /// CRC-32C of the content.
    package let checksum: UInt32
    package let content: [UInt8]
    /// What it takes on the disk.
    package let byteCount: Int

    /// The number behind the last one.
    package var end: UInt64 { first + UInt64(count) }
}

/// Why the log could not do what it was asked, with a sentence for the operator.
package struct LogError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Stable words; whoever has a log puts its name before them: `journal_full`.
    package enum Code: String, Sendable {
        /// The disk is full. Nothing was stored; works again when there is space.
        case full = "full"
        /// The log has as many segments as it may. Works again when some of it is trimmed.
        case overBudget = "over_budget"
        /// The record is larger than the log takes.
        case tooLarge = "record_too_large"
        /// Writing or flushing failed. The log takes nothing more until it is opened anew.
        case failed = "failed"
        /// The files are damaged. Never repaired silently.
        case damaged = "damaged"
        /// Another process has it.
        case locked = "locked"
        /// A newer version wrote it.
        case version = "version"
        /// The folder cannot be used.
        case unusable = "unusable"
    }

    package let code: Code
    package let sentence: String

    package init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    package var description: String { "\(code.rawValue): \(sentence)" }

    /// The end of the process whose log it is, called so. A newer version's files are no reason to try again.
    package func failure(of name: String) -> StageFailure {
        let status: ExitStatus =
            switch code {
            case .locked: .temporary
            case .version: .configuration
            default: .io
            }
        return StageFailure(status, "\(name)_\(self)")
    }
}
