import Glibc

/// How processes of Tributary end, after sysexits.h.
package enum ExitStatus: Int32, Sendable {
    case success = 0
    /// Something asked for was not found or failed.
    case failure = 1
    /// There is nothing that runs to be looked at.
    case notRunning = 3
    /// The command line is wrong.
    case usage = 64
    /// A stage that is needed does not run.
    case unavailable = 69
    /// Reading or writing failed.
    case io = 74
    /// Another process holds the instance's lock; trying later may help.
    case temporary = 75
    /// This user may not do it.
    case noPermission = 77
    /// The configuration is wrong.
    case configuration = 78

    /// Ends the process.
    package func exit() -> Never {
        Glibc.exit(rawValue)
    }
}

/// Why a process cannot go on: a sentence for people and the status for scripts.
package struct StageFailure: Error, Sendable, CustomStringConvertible {
    package let status: ExitStatus
    /// What, why and how to fix it; may have several lines.
    package let sentence: String

    package init(_ status: ExitStatus, _ sentence: String) {
        self.status = status
        self.sentence = sentence
    }

    package var description: String { sentence }

    /// Prints the sentence to standard error, after the name of the program, and ends the process.
    package func exit(as program: String) -> Never {
        let lines = sentence.split(separator: "\n").map { "\(program): \($0)\n" }
        StandardError.write(lines.joined())
        status.exit()
    }
}

/// Standard error, written without buffering: one call, one `write`.
package enum StandardError {
    package static func write(_ text: String) { _ = FileDescriptorText.write(text, to: 2) }
}

/// Text to a file descriptor, without buffering.
package enum FileDescriptorText {
    /// Writes all of `text`; returns `errno` where that fails, 0 otherwise.
    package static func write(_ text: String, to descriptor: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    /// The same for bytes.
    package static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : EIO }
            written += count
        }
        return 0
    }
}
