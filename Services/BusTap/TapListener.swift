import Bus
import Executable
import Glibc
import StageMetrics
import TapPrinting
import Wire
import ZeroMQ

/// Connects to the taps of the instances that are meant, also of those that start later, and notices gaps.
///
/// It takes only the processor time that nobody else wants, so that looking on costs the pipeline none. What it is too slow
/// for is skipped by the stages (`TapPublisher`) and said.
final class TapListener {
    private let directory: RunDirectory
    private let isMeant: (_ instance: String) -> Bool
    private let filter: TapFilter
    private let printer: TapPrinter
    private let socket: Socket
    private var connected: Set<String> = []
    /// Those that were there when the tap began to listen.
    private var early: Set<String> = []
    private var origins: [String: TapOrigin] = [:]
    private var gaps = TapGaps()
    private var output = ByteWriter(reservingBytes: TapListener.outputBytes)

    private static let scanIntervalNanoseconds: Int64 = 200_000_000
    /// What is printed at once.
    private static let outputBytes = 64 << 10
    /// Transmissions that wait for this process, in all; beyond it they are skipped.
    private static let queueDepth: Int32 = 256

    /// Throws `StageFailure` where this user may not enter the run directory: no waiting would help.
    init(
        directory: RunDirectory, filter: TapFilter, printer: TapPrinter,
        isMeant: @escaping (_ instance: String) -> Bool
    ) throws {
        self.directory = directory
        self.isMeant = isMeant
        self.filter = filter
        self.printer = printer
        do throws(StageFailure) {
            try FileAccess.check(directory.path)
        } catch {
            // One that is not there yet is created when the first stage starts.
            if error.status != .unavailable { throw error }
        }
        // Before the sockets, whose threads inherit it. A kernel that refuses leaves the tap as it is.
        Self.yieldToOthers()
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

    /// SCHED_IDLE (sched(7)): a thread that runs only where the processor would be idle. Glibc's module does not export it.
    private static func yieldToOthers() {
        let idle: Int32 = 5
        var parameters = sched_param()
        _ = sched_setscheduler(0, idle, &parameters)
    }

    /// Prints what passes the filter until `count` records are printed or the reader of the output is gone.
    func listen(count: Int) throws {
        var left = count
        var poller = Poller(wakeUp: -1, sockets: [socket])
        var nextScan: Int64 = 0
        while true {
            try poller.wait(nanoseconds: Self.scanIntervalNanoseconds)
            output.bytes.removeAll(keepingCapacity: true)
            while left > 0, output.count < Self.outputBytes, let frames = try socket.receive() {
                print(frames, &left)
            }
            guard output.bytes.withUnsafeBytes({ FileDescriptorText.write($0, to: 1) }) == 0 else { return }
            if left == 0 { return }
            let now = monotonicNanoseconds()
            if now >= nextScan {
                nextScan = now + Self.scanIntervalNanoseconds
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
    private func print(_ frames: [Frame], _ left: inout Int) {
        guard frames.count == 3,
            let header = try? frames[0].withBytes({ bytes throws(WireError) in try LinkHeader(bytes) }),
            let notice = try? frames[1].withBytes({ bytes throws(WireError) in try HelloNotice(body: bytes) })
        else { return }
        let isMeant = isMeant(notice.instance)
        say(gaps.begin(header, at: notice, isLate: !early.contains(notice.instance)), isMeant, notice)
        let origin = origins[notice.instance] ?? TapOrigin(notice)
        origins[notice.instance] = origin
        frames[2].withBytes { bytes in
            var batch = BatchReader(bytes)
            var readable: UInt64 = 0
            while left > 0, let record = try? batch.next() {
                guard let envelope = try? EnvelopeView(record) else { continue }
                readable += 1
                say(gaps.see(envelope.journal, envelope.sequence, at: notice.role), isMeant, notice)
                let seen = TapRecord(envelope, at: origin)
                guard isMeant, filter.passes(seen) else { continue }
                printer.append(seen, to: &output)
                left -= 1
            }
            if left > 0, readable < UInt64(header.count) {
                say(.unreadable(UInt64(header.count) - readable), isMeant, notice)
            }
        }
    }

    private func say(_ gap: TapGap?, _ isMeant: Bool, _ origin: HelloNotice) {
        if let gap, isMeant { printer.append(gap, at: origin, to: &output) }
    }
}
