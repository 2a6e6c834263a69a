import Executable
import Glibc
package import Logging
import Threads

/// Bounds the end of a stage: whatever it waits for then, after this time the process ends all the same. What was
/// accepted is on disk at any moment, so this loses nothing.
package enum OrderlyEnd {
    /// Less than the supervisor waits before it kills.
    package static let patienceSeconds: UInt32 = 9

    /// The stage has been told to end.
    package static func begin(_ logger: Logger, patienceSeconds: UInt32 = patienceSeconds) {
        BlockingThread(name: "end") {
            var left = patienceSeconds
            // Signals may end a sleep before its time.
            while left > 0 { left = sleep(left) }
            logger.error("ended without finishing: something still waits after \(patienceSeconds) s")
            // No destructors: they could wait, too.
            _exit(ExitStatus.temporary.rawValue)
        }
    }
}
