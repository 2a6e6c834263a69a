#if DEBUG
#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A fault switch for tests, absent from release builds: where the environment variable `TRIBUTARY_FAULT_CRASH_ON` is
/// set, a body that contains its text kills the process, as an undiscovered parser bug would.
struct CrashFault {
    private let text: [UInt8]

    init() {
        text = getenv("TRIBUTARY_FAULT_CRASH_ON").map { Array(String(cString: $0).utf8) } ?? []
    }

    /// Aborts the process if `body` contains the text.
    func crashIfAsked(_ body: UnsafeRawBufferPointer) {
        guard !text.isEmpty, body.count >= text.count else { return }
        for start in 0...(body.count - text.count)
        where body[start] == text[0] && body[start..<start + text.count].elementsEqual(text) {
            abort()
        }
    }
}
#endif
