import Bus
import Executable
import Wire
import ZeroMQ

/// Connects to the taps of all instances, also of those that start later, and notices gaps.
final class TapListener {
    private let directory: RunDirectory
    private let filter: TapFilter
    private let printer: TapPrinter
    private let socket: Socket
    private var connected: Set<String> = []
    /// Those that were there when the tap began to listen.
    private var early: Set<String> = []
    private var gaps = TapGaps()

    private static let scanIntervalMilliseconds = 200

    /// Throws `StageFailure` where this user may not enter the run directory: no waiting would help.
    init(directory: RunDirectory, filter: TapFilter, printer: TapPrinter) throws {
        self.directory = directory
        self.filter = filter
        self.printer = printer
        do throws(StageFailure) {
            try FileAccess.check(directory.path)
        } catch {
            // One that is not there yet is created when the first stage starts.
            if error.status != .unavailable { throw error }
        }
        socket = try Context().socket(.subscriber)
        try socket.setHighWaterMarks(10_000)
        try socket.subscribe()
        try scan()
        early = connected
        if !connected.contains(where: filter.takes) {
            let what = connected.isEmpty ? "no stage" : "none of the stages that were asked for"
            StandardError.write("bus-tap: \(what) runs in \(directory.path) yet; waiting for one\n")
        }
    }

    /// Prints what passes the filter until `count` records are printed or the reader of the output is gone.
    func listen(count: Int) throws {
        var left = count
        var poller = Poller(wakeUp: -1, sockets: [socket])
        while true {
            try poller.wait(timeoutMilliseconds: Self.scanIntervalMilliseconds)
            var output = ""
            while left > 0, output.utf8.count < 1 << 20, let frames = try socket.receive() {
                output += printed(frames, &left)
            }
            guard write(output) else { return }
            if left == 0 { return }
            try scan()
        }
    }

    private func scan() throws {
        for role in StageRole.allCases {
            for instance in directory.instances(of: role, with: .tap).subtracting(connected) {
                try socket.connect(directory.endpoint(instance, .tap))
                connected.insert(instance)
            }
        }
    }

    /// A tap transmission is a link header, who taps, and a batch.
    private func printed(_ frames: [Frame], _ left: inout Int) -> String {
        guard frames.count == 3,
            let header = try? frames[0].withBytes({ bytes throws(WireError) in try LinkHeader(bytes) }),
            let origin = try? frames[1].withBytes({ bytes throws(WireError) in try HelloNotice(body: bytes) })
        else { return "" }
        let isMeant = filter.takes(origin.instance)
        var output = ""
        func say(_ gap: TapGap?) {
            if let gap, isMeant { output += printer.gap(gap, at: origin) }
        }
        say(gaps.begin(header, at: origin, isLate: !early.contains(origin.instance)))
        return frames[2].withBytes { bytes in
            var batch = BatchReader(bytes)
            var readable: UInt64 = 0
            while left > 0, let record = try? batch.next() {
                guard let envelope = try? EnvelopeView(record) else { continue }
                readable += 1
                say(gaps.see(envelope.journal, envelope.sequence, at: origin.role))
                let seen = TapRecord(envelope, at: origin)
                guard filter.passes(seen) else { continue }
                output += printer.record(seen)
                left -= 1
            }
            if left > 0, readable < UInt64(header.count) { say(.unreadable(UInt64(header.count) - readable)) }
            return output
        }
    }

    /// False when nobody reads any more.
    private func write(_ text: String) -> Bool { FileDescriptorText.write(text, to: 1) == 0 }
}
