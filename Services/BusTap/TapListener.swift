import Bus
import Glibc
import StageRuntime
import Wire
import ZeroMQ

/// Connects to the taps of all instances, also of those that start later, and notices gaps.
final class TapListener {
    private struct Stream: Hashable {
        var instance: String
        var bootID: UInt64
    }

    private let directory: RunDirectory
    private let socket: Socket
    private var connected: Set<String> = []
    /// Where each instance's stream is expected to go on.
    private var expected: [Stream: UInt64] = [:]

    private static let scanIntervalMilliseconds = 200

    init(directory: RunDirectory) throws {
        self.directory = directory
        socket = try Context().socket(.subscriber)
        try socket.setHighWaterMarks(10_000)
        try socket.subscribe()
        try scan()
        if connected.isEmpty {
            StandardError.write("bus-tap: no stage runs in \(directory.path) yet; waiting for one\n")
        }
    }

    /// Prints what passes `filter` until `count` records are printed or the reader of the output is gone.
    func listen(filter: TapFilter, printer: TapPrinter, count: Int) throws {
        var left = count
        var poller = Poller(wakeUp: -1, sockets: [socket])
        while true {
            try poller.wait(timeoutMilliseconds: Self.scanIntervalMilliseconds)
            var output = ""
            while left > 0, output.utf8.count < 1 << 20, let frames = try socket.receive() {
                output += printed(frames, filter, printer, &left)
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
    private func printed(_ frames: [Frame], _ filter: TapFilter, _ printer: TapPrinter, _ left: inout Int) -> String {
        guard frames.count == 3,
            let header = try? frames[0].withBytes({ bytes throws(WireError) in try LinkHeader(bytes) }),
            let origin = try? frames[1].withBytes({ bytes throws(WireError) in try HelloNotice(body: bytes) })
        else { return "" }
        var output = ""
        let stream = Stream(instance: origin.instance, bootID: header.bootID)
        if let next = expected[stream], header.number > next {
            output += printer.gap(dropped: header.number - next, at: origin)
        }
        expected[stream] = header.number + UInt64(header.count)
        return frames[2].withBytes { bytes in
            var batch = BatchReader(bytes)
            while left > 0, let record = try? batch.next(), let envelope = try? EnvelopeView(record) {
                let seen = TapRecord(envelope, at: origin)
                guard filter.passes(seen) else { continue }
                output += printer.record(seen)
                left -= 1
            }
            return output
        }
    }

    /// False when nobody reads any more.
    private func write(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                let count = Glibc.write(1, bytes.baseAddress?.advanced(by: written), bytes.count - written)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                written += count
            }
            return true
        }
    }
}
