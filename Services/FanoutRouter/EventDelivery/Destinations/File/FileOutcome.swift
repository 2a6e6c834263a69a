import Glibc

/// What writing to files comes to.
extension AttemptEnd {
    static let openFailed = AttemptEnd("open_failed", .connect)
    /// Another subscription or process writes to it.
    static let fileInUse = AttemptEnd("file_in_use", .connect)
    static let diskFull = AttemptEnd("disk_full", .send)
    static let writeFailed = AttemptEnd("write_failed", .send)
    static let flushFailed = AttemptEnd("flush_failed", .answer)

    static let ofFile = [delivered, addressRefused, openFailed, fileInUse, diskFull, writeFailed, flushFailed, timeout]
}

/// Why lines are not in the file for good.
struct FileFailure: Error {
    let end: AttemptEnd
    let detail: String

    init(_ end: AttemptEnd, _ detail: String) {
        self.end = end
        self.detail = detail
    }

    /// A failed call of the system; a full disk is told apart. `code`: its `errno`.
    init(_ end: AttemptEnd, _ what: String, code: Int32) {
        self.init(
            code == ENOSPC || code == EDQUOT ? .diskFull : end, "\(what): \(String(cString: strerror(code)))")
    }

    /// All may pass: space is made, a right is given, the folder is mounted.
    var outcome: AttemptOutcome { AttemptOutcome(verdict: .retry, end: end, detail: detail) }
}
