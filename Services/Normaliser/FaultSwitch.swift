#if DEBUG
#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Fault switches for tests, absent from release builds: a body that contains the text of the environment variable
/// `TRIBUTARY_FAULT_CRASH_ON` kills the process, one with that of `TRIBUTARY_FAULT_HANG_ON` never comes to an end, as
/// undiscovered parser bugs would.
struct FaultSwitch {
    private let crashText: [UInt8]
    private let hangText: [UInt8]

    init() {
        func text(_ variable: String) -> [UInt8] { getenv(variable).map { Array(String(cString: $0).utf8) } ?? [] }
        crashText = text("TRIBUTARY_FAULT_CRASH_ON")
        hangText = text("TRIBUTARY_FAULT_HANG_ON")
    }

    /// Does what is asked for if `body` contains the text for it.
    func apply(_ body: UnsafeRawBufferPointer) {
        if Self.contains(body, crashText) { abort() }
        if Self.contains(body, hangText) { while true { pause() } }
    }

    private static func contains(_ body: UnsafeRawBufferPointer, _ text: [UInt8]) -> Bool {
        guard !text.isEmpty, body.count >= text.count else { return false }
        return (0...(body.count - text.count)).contains { start in
            body[start] == text[0] && body[start..<start + text.count].elementsEqual(text)
        }
    }
}
#endif
