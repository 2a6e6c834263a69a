import Glibc
import StageMetrics

/// Keeps the tap out of the way of whoever else wants a processor.
///
/// SCHED_IDLE alone does not: it ranks a thread among those of its session or control group (autogroup of sched(7)), and a
/// tap is in another one than the stages. So a thread that had to wait for a processor, though it could have run, does
/// little for a while. Used by one thread.
struct Restraint {
    /// Of a thread, in nanoseconds: how long it ran, and how long it waited for a processor.
    struct Reading: Equatable {
        var ran: Int64
        var waited: Int64
    }

    /// /proc/thread-self/schedstat; negative where the kernel has none, or where nothing is to be held back.
    private let file: Int32
    private var last = Reading(ran: 0, waited: 0)

    /// What is done between two readings, at least.
    private static let workNanoseconds: Int64 = 1_000_000
    /// How much longer than it worked the thread rests: it takes 4 % of a processor.
    private static let restFactor: Int64 = 24
    private static let longestRestNanoseconds: Int64 = 500_000_000

    init(isEager: Bool) {
        file = isEager ? -1 : open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
        last = reading() ?? last
    }

    /// Between two pieces of work: rests where others want the processor.
    mutating func rest() {
        guard let now = reading(), now.ran - last.ran >= Self.workNanoseconds else { return }
        let nanoseconds = Self.rest(after: Reading(ran: now.ran - last.ran, waited: now.waited - last.waited))
        last = now
        if nanoseconds > 0 { usleep(UInt32(nanoseconds / 1000)) }
    }

    /// How long to rest after such a piece of work; nothing where the thread hardly had to wait.
    static func rest(after work: Reading) -> Int64 {
        work.waited > work.ran / 4 ? min(work.ran * restFactor, longestRestNanoseconds) : 0
    }

    private func reading() -> Reading? {
        guard file >= 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = pread(file, &bytes, bytes.count, 0)
        let numbers = bytes.prefix(max(0, count)).split(separator: UInt8(ascii: " "))
        guard numbers.count >= 2, let ran = Int64(String(decoding: numbers[0], as: UTF8.self)),
            let waited = Int64(String(decoding: numbers[1], as: UTF8.self))
        else { return nil }
        return Reading(ran: ran, waited: waited)
    }
}
