import CommitLog
import Glibc
import MemoryDisk
import SeededRandom
import Testing

/// Whole lives of logs on a disk that loses, reorders and tears: never acknowledged and absent, never present twice, never
/// a silent cut. `TRIBUTARY_LOG_RUNS` makes as many runs of each kind as it says.
@Suite struct CrashTests {
    private static let runs = getenv("TRIBUTARY_LOG_RUNS").flatMap { UInt64(String(cString: $0)) } ?? 300

    @Test(arguments: [(true, false), (true, true), (false, false), (false, true)])
    func `nothing acknowledged is lost, whatever the disk forgets`(isDirect: Bool, tearsSectors: Bool) throws {
        for seed in 0..<Self.runs {
            var life = RandomLife(seed: seed, isDirect: isDirect, tearsSectors: tearsSectors)
            if let difference = life.run() {
                Issue.record("seed \(seed): \(difference)")
                return
            }
        }
    }
}

/// One run: a log is opened, used, and ends in one way or another, a few times.
struct RandomLife {
    private let disk: MemoryDisk
    private var generator: SeededGenerator
    private var model = LogModel()
    private var options = SegmentLog.Options.small()

    init(seed: UInt64, isDirect: Bool, tearsSectors: Bool) {
        disk = MemoryDisk(seed: seed, isDirect: isDirect)
        disk.tearsSectors = tearsSectors
        generator = SeededGenerator(seed: ~seed)
        options.zeroFills = seed % 2 == 0
    }

    /// What was not as it must be; nil where everything was.
    mutating func run() -> String? {
        for _ in 0..<5 {
            planFaults()
            do {
                let log = try SegmentLog("log", options, files: disk)
                disk.faults = [:]
                if log.isWaitingForSpace { _ = try log.idle() }
                if let difference = try model.difference(log) { return difference }
                planFaults()
                if let difference = try use(log) { return difference }
            } catch let error as LogError {
                // Only what was done to it may have stopped it.
                guard error.code == .failed || error.code == .full else { return error.description }
            } catch {
                return "\(error)"
            }
            disk.faults = [:]
            if Bool.random(using: &generator) { disk.cutPower() } else { disk.endProcess() }
        }
        do {
            let log = try SegmentLog("log", options, files: disk)
            return try model.difference(log)
        } catch {
            return "\(error)"
        }
    }

    /// In every other life one call fails.
    private mutating func planFaults() {
        guard Bool.random(using: &generator) else { return }
        let operation =
            ["pwrite", "fdatasync", "fallocate", "open", "fsync", "unlink", "pread"]
            .randomElement(using: &generator) ?? ""
        let number = (disk.calls[operation] ?? 0) + Int.random(in: 1...30, using: &generator)
        let code = [EIO, EIO, ENOSPC, EDQUOT, EINTR].randomElement(using: &generator) ?? EIO
        disk.faults = [operation: [number: .error(operation == "pread" ? EIO : code)]]
    }

    private mutating func use(_ log: SegmentLog) throws -> String? {
        for _ in 0..<Int.random(in: 1...30, using: &generator) {
            switch Int.random(in: 0..<20, using: &generator) {
            case 0: _ = try log.idle()
            case 1: try model.trim(log, below: .random(in: 0...model.next + 3, using: &generator))
            case 2: try log.close()
            case 3: if let difference = try model.contentDifference(log) { return difference }
            default:
                let content = generator.bytes(Int.random(in: 0...12, using: &generator))
                let size =
                    Int.random(in: 0...10, using: &generator) == 0 ? 2900 : Int.random(in: 0..<900, using: &generator)
                let settled = model.next > 1 ? UInt64.random(in: 0..<model.next, using: &generator) : 0
                _ = model.append(
                    to: log, count: Int.random(in: 1...3, using: &generator),
                    content: content + [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size),
                    settled: settled)
            }
        }
        return nil
    }
}
