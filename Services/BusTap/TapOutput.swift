import Executable
import Glibc
import TapPrinting
import Wire

/// What becomes of what a tap has in hand: it is filtered, printed, followed, recorded.
final class TapOutput {
    private let filter: TapFilter
    private let printer: TapPrinter
    private var journey: TapJourney?
    private let recording: RecordingFile?
    private var left: Int
    private var origins: [String: TapOrigin] = [:]
    private var text = ByteWriter(reservingBytes: TapOutput.flushBytes)

    /// What is written at once.
    private static let flushBytes = 64 << 10

    init(filter: TapFilter, printer: TapPrinter, journey: TapJourney?, recording: RecordingFile?, count: Int) {
        self.filter = filter
        self.printer = printer
        self.journey = journey
        self.recording = recording
        left = count
    }

    /// How the way of what is followed ended; nil while it goes on.
    var journeyEnd: TapJourney.End? { journey?.end }
    /// Whether all that was asked for has been shown.
    var isDone: Bool { left == 0 || journeyEnd != nil }
    /// Whether it is time to write.
    var isFull: Bool { text.count >= Self.flushBytes || (recording?.waitingBytes ?? 0) >= Self.flushBytes }

    /// Takes a batch. `see` is asked about every record, before any filter, what was missed before it.
    func take(
        _ batch: UnsafeRawBufferPointer, _ header: LinkHeader, _ notice: TapNotice, isMeant: Bool,
        see: (EnvelopeView) -> TapGap? = { _ in nil }
    ) {
        let origin = origins[notice.hello.instance] ?? TapOrigin(notice.hello)
        origins[notice.hello.instance] = origin
        var reader = BatchReader(batch)
        var readable: UInt64 = 0
        var kept = ByteWriter()
        var keptCount = 0
        while !isDone, let record = try? reader.next() {
            guard let envelope = try? EnvelopeView(record) else { continue }
            readable += 1
            if let gap = see(envelope), isMeant { say(gap, notice.hello) }
            let seen = TapRecord(envelope, at: origin, passedNanoseconds: notice.passedNanoseconds)
            guard isMeant, filter.passes(seen), show(seen) else { continue }
            left -= 1
            guard recording != nil else { continue }
            kept.u32(UInt32(clamping: record.count))
            kept.raw(record)
            keptCount += 1
        }
        if keptCount > 0 { recording?.append(header, notice, batch: kept.bytes, count: keptCount) }
        if !isDone, isMeant, readable < UInt64(header.count) {
            say(.unreadable(UInt64(header.count) - readable), notice.hello)
        }
    }

    /// Says what was not shown.
    func say(_ gap: TapGap, _ origin: HelloNotice) {
        var line = ByteWriter()
        printer.append(gap, at: origin, to: &line)
        if recording?.isStandardOutput == true {
            _ = line.bytes.withUnsafeBytes { FileDescriptorText.write($0, to: 2) }
        } else {
            text.raw(line.bytes)
        }
    }

    /// Writes what waits. False where nobody reads any more.
    func flush() throws(StageFailure) -> Bool {
        if let recording, try !recording.flush() { return false }
        let number = text.bytes.withUnsafeBytes { FileDescriptorText.write($0, to: 1) }
        text.bytes.removeAll(keepingCapacity: true)
        return number == 0
    }

    /// Whether whoever read standard output is gone, as an ended ssh is: noticed also while there is nothing to write.
    static var isReaderGone: Bool {
        var watched = pollfd(fd: 1, events: 0, revents: 0)
        return poll(&watched, 1, 0) > 0
    }

    /// Prints a record; false where it is not among those that are shown.
    private func show(_ record: TapRecord) -> Bool {
        if journey != nil {
            guard journey?.isNext(record) == true else { return false }
            journey?.arrive(record)
        }
        if recording?.isStandardOutput == true { return true }
        if journey != nil, !printer.isJSON {
            journey?.append(record, to: &text)
            return true
        }
        return printer.append(record, to: &text)
    }
}
