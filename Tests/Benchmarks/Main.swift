import Glibc
import JSON
import Primitives

/// What one webhook costs: verification and normalisation, without bus and journal, and the HTTP ends without sockets.
///
/// `Benchmarks time` prints microseconds of CPU (median) and the growth of memory; `Benchmarks count` passes each case
/// between two marks, for callgrind to count instructions and allocations; `scripts/bench stages` runs both.
@main
struct BenchmarksProcess {
    static func main() {
        switch CommandLine.arguments.dropFirst().first {
        case "time": time()
        case "count": count()
        default:
            print("usage: Benchmarks time | count")
            exit(64)
        }
    }

    /// Per case: name, microseconds per webhook or element, KiB of memory that it needed beyond what was there.
    private static func time() {
        for benchmark in Benchmark.all() {
            let go = benchmark.prepare()
            let grownKiB = Memory.growthKiB(go)
            let perRound = max(1, Int(20_000_000 / max(1, Clock.nanoseconds(go))))
            let rounds = (0..<15).map { _ in
                Clock.nanoseconds { for _ in 0..<perRound { go() } } / Double(perRound * benchmark.elements)
            }
            let median = rounds.sorted()[rounds.count / 2] / 1000
            print("\(benchmark.name)\t\(Double(Int(median * 100)) / 100)\t\(grownKiB)")
        }
    }

    /// Per case: name and how many webhooks or elements were between the marks.
    private static func count() {
        for benchmark in Benchmark.all() {
            let go = benchmark.prepare()
            let times = max(1, 200 / benchmark.elements / (benchmark.isLarge ? 200 : 1))
            for _ in 0..<min(times, 20) { go() }
            mark()
            for _ in 0..<times { go() }
            mark()
            print("\(benchmark.name)\t\(times * benchmark.elements)")
        }
    }
}

/// Wherever this is called, callgrind writes down what it has counted since the last time.
@inline(never) @_optimize(none) func mark() {}

/// CPU time of this thread: what other processes do hardly shows in it.
enum Clock {
    static func nanoseconds(_ work: () -> Void) -> Double {
        let start = now()
        work()
        return now() - start
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}

/// Memory of this process as the kernel counts it.
enum Memory {
    /// How far the peak during `work` lay above what was there before, in KiB.
    static func growthKiB(_ work: () -> Void) -> Int {
        // Sets the peak back to now (proc(5), clear_refs).
        guard let file = fopen("/proc/self/clear_refs", "w") else { return 0 }
        fputs("5", file)
        fclose(file)
        let before = kibibytes("VmRSS:")
        work()
        return max(0, kibibytes("VmHWM:") - before)
    }

    private static func kibibytes(_ name: String) -> Int {
        guard let file = fopen("/proc/self/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix(name) else { continue }
            return text.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0
        }
        return 0
    }
}
