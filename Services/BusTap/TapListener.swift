import Bus
import Executable
import Glibc
import StageMetrics
import TapPrinting
import Threads
import Wire
import ZeroMQ

/// Connects to the taps of the instances that are meant, also of those that start later, and notices gaps.
///
/// Stages send what passed every 50 ms, each at times of its own. So what comes is held back until those that passed before
/// it are here too, and shown in the order in which it passed.
///
/// It takes only the processor time that nobody else wants (`Restraint`), so that looking on costs the pipeline none. What it
/// is too slow for is skipped by the stages (`TapPublisher`) and said.
final class TapListener {
    /// A transmission that was received and not shown yet.
    private struct Held {
        let header: LinkHeader
        let notice: TapNotice
        let batch: Frame
        /// What the numbers of its instance say was missed before it.
        let gap: TapGap?
        let passedNanoseconds: Int64
        /// By the monotonic clock.
        let arrivedNanoseconds: Int64
    }

    private let directory: RunDirectory
    private let isMeant: (_ instance: String) -> Bool
    private let output: TapOutput
    private let socket: Socket
    private var connected: Set<String> = []
    /// Those that were there when the tap began to listen.
    private var early: Set<String> = []
    private var gaps = TapGaps()
    private var held: [Held] = []
    private var restraint: Restraint
    /// Whether it was said that a stage is of another version.
    private var saysVersion = false

    private static let scanIntervalNanoseconds: Int64 = 200_000_000
    /// Twice the time between two sendings of a stage.
    private static let holdingNanoseconds: Int64 = 100_000_000
    /// Between two looks while there is something to be shown.
    private static let pauseMicroseconds: UInt32 = 25_000
    private static let mostHeld = 512
    /// Transmissions that wait for this process, in all; beyond it they are skipped.
    private static let queueDepth: Int32 = 256

    /// `isEager`: takes the processor from the stages where it needs it. Throws `StageFailure` where this user may not enter
    /// the run directory: no waiting would help.
    init(
        directory: RunDirectory, isMeant: @escaping (_ instance: String) -> Bool, isEager: Bool, output: TapOutput
    ) throws {
        self.directory = directory
        self.isMeant = isMeant
        self.output = output
        do throws(StageFailure) {
            try FileAccess.check(directory.path)
        } catch {
            // One that is not there yet is created when the first stage starts.
            if error.status != .unavailable { throw error }
        }
        // Before the sockets, whose threads inherit it. A kernel that refuses leaves the tap as it is.
        if !isEager { Scheduling.becomeIdle() }
        restraint = Restraint(isEager: isEager)
        socket = try Context().socket(.subscriber)
        try socket.setHighWaterMarks(Self.queueDepth)
        try socket.subscribe()
        let present = try scan()
        early = connected
        if connected.isEmpty {
            let what = present.isEmpty ? "no stage" : "none of the stages that were asked for"
            StandardError.write("bus-tap: \(what) runs in \(directory.path) yet; waiting for one\n")
        }
    }

    /// Shows what passes until all that was asked for has been shown or nobody reads any more.
    func listen() throws {
        var poller = Poller(wakeUp: -1, sockets: [socket])
        var nextScan: Int64 = 0
        while true {
            if held.isEmpty {
                try poller.wait(nanoseconds: Self.scanIntervalNanoseconds)
            } else {
                // Not woken by each that comes.
                usleep(Self.pauseMicroseconds)
            }
            while held.count < Self.mostHeld, let frames = try socket.receive() { hold(frames) }
            guard try show(), try output.flush(), !output.isDone else { return }
            let now = monotonicNanoseconds()
            if now >= nextScan {
                nextScan = now + Self.scanIntervalNanoseconds
                if TapOutput.isReaderGone { return }
                _ = try scan()
            }
        }
    }

    /// Connects to all instances of a stage of which one is meant: a gap at one can be told only by what the others show.
    /// Returns all that there are.
    private func scan() throws -> Set<String> {
        var all: Set<String> = []
        for role in StageRole.allCases {
            let present = directory.instances(of: role, with: .tap)
            all.formUnion(present)
            guard present.contains(where: isMeant) else { continue }
            for instance in present.subtracting(connected) {
                try socket.connect(directory.endpoint(instance, .tap))
                connected.insert(instance)
            }
        }
        return all
    }

    /// A tap transmission is a link header, who taps, and a batch.
    private func hold(_ frames: [Frame]) {
        guard frames.count == 3, let header = header(frames[0]),
            let notice = try? frames[1].withBytes({ bytes throws(WireError) in try TapNotice(body: bytes) })
        else { return }
        let gap = gaps.begin(header, at: notice.hello, isLate: !early.contains(notice.hello.instance))
        held.append(
            Held(
                header: header, notice: notice, batch: frames[2], gap: gap,
                passedNanoseconds: notice.passedNanoseconds ?? wallNanoseconds(),
                arrivedNanoseconds: monotonicNanoseconds()))
    }

    private func header(_ frame: Frame) -> LinkHeader? {
        do throws(WireError) {
            return try frame.withBytes { bytes throws(WireError) in try LinkHeader(bytes) }
        } catch {
            if error == .unknownVersion, !saysVersion {
                saysVersion = true
                StandardError.write(
                    "bus-tap: a stage is of another release, whose wire version this tap does not know; what it shows is "
                        + "left out. Use the bus-tap of that release\n")
            }
            return nil
        }
    }

    /// Shows what has been held long enough and what passed before it. False where nobody reads any more.
    private func show() throws -> Bool {
        let due = monotonicNanoseconds() - Self.holdingNanoseconds
        let isFull = held.count == Self.mostHeld
        let last = isFull ? nil : held.lazy.filter { $0.arrivedNanoseconds <= due }.map(\.passedNanoseconds).max()
        guard isFull || last != nil else { return true }
        held.sort { $0.passedNanoseconds < $1.passedNanoseconds }
        let end = last.flatMap { last in held.firstIndex { $0.passedNanoseconds > last } } ?? held.count
        for shown in held[..<end] where !output.isDone {
            take(shown)
            restraint.rest()
            if output.isFull, try !output.flush() { return false }
        }
        held.removeFirst(end)
        return true
    }

    private func take(_ held: Held) {
        let hello = held.notice.hello
        let isMeant = isMeant(hello.instance)
        if let gap = held.gap, isMeant { output.say(gap, hello) }
        held.batch.withBytes { bytes in
            output.take(bytes, held.header, held.notice, isMeant: isMeant) { envelope in
                gaps.see(envelope.journal, envelope.sequence, at: hello.role)
            }
        }
    }
}
