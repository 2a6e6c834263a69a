internal import DequeModule
internal import StageMetrics
internal import Wire
internal import ZeroMQ

extension RecordBatch {
    /// The records of a received frame, where they lie. The frame is never sent or received into again, so its bytes stay
    /// where they are for as long as it lives, on whatever thread it ends.
    init(_ frame: Frame) {
        self = frame.withBytes { RecordBatch(arrived: $0, in: frame) }
    }
}

/// What one slice of work appends to records: filled while the slice lasts, and then only read.
final class AppendedSections {
    var writer = ByteWriter(reservingBytes: 16 * 1024)
}

/// What became of a record in this stage: the record as it came, and the sections to be written behind it. Its bytes are
/// copied when they go into the next frame, and nowhere before.
struct StageResult {
    /// One record of the batch that arrived.
    let record: RecordBatch
    let sections: AppendedSections
    let range: Range<Int>

    /// Length prefix included.
    var byteCount: Int { record.byteCount + range.count }

    /// The results as one body frame.
    static func frame(of results: [WorkRecord<StageResult>]) -> Frame {
        Frame(byteCount: results.reduce(0) { $0 + $1.byteCount }) { target in
            var offset = 0
            for result in results { result.payload.copy(to: target, &offset) }
        }
    }

    private func copy(to target: UnsafeMutableRawBufferPointer, _ offset: inout Int) {
        record.withBytes { source in
            UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + source.count]).copyMemory(from: source)
            target.storeBytes(of: UInt32(byteCount - 4).littleEndian, toByteOffset: offset, as: UInt32.self)
            offset += source.count
        }
        sections.writer.bytes.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + range.count])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
            offset += range.count
        }
    }
}

/// A batch that waits for the stage's work, or is in the middle of it.
struct BatchInWork {
    let link: Int
    let number: UInt64
    /// What its header says; `records` has fewer where the frame is damaged.
    let count: Int
    let records: RecordBatch
    var done = 0

    init(link: Int, number: UInt64, count: Int, body: Frame) {
        self.link = link
        self.number = number
        self.count = count
        records = RecordBatch(body)
    }
}

/// Where the stage's work is done: batches in, results and verdicts out, never longer than a slice at a time.
struct StageRunner {
    enum Outcome {
        case done(WorkRecord<StageResult>)
        /// The record's bytes are damaged, or the batch holds fewer records than it claims.
        case dropped(link: Int, batch: UInt64)
    }

    /// One per journal.
    var verdicts: [VerdictNotice] = []
    private var work: any StageWork
    private var batches: Deque<BatchInWork> = []
    private let stamp: StageStamp.Mould
    private let metrics: WorkerLoopMetrics

    /// Sections of this size are not grown any more.
    private static var sectionsBytes: Int { 256 * 1024 }

    init(work: any StageWork, role: StageRole, instance: String, metrics: WorkerLoopMetrics) {
        self.work = work
        stamp = StageStamp.Mould(stage: role, instance: instance)
        self.metrics = metrics
    }

    /// Batches that wait for work.
    var waitingCount: Int { batches.reduce(0) { $0 + $1.count - $1.done } }

    mutating func add(_ batch: BatchInWork) { batches.append(batch) }

    /// Works until everything is done or `end` (monotonic nanoseconds) is reached.
    mutating func work(until end: Int64, _ emit: (Outcome) -> Void) {
        guard !batches.isEmpty else { return }
        work.betweenBatches()
        let started = monotonicNanoseconds()
        let startedWall = wallNanoseconds()
        var clock = Clock(now: started, wallOffset: startedWall - started)
        var oldest = Int64.max
        var sections = AppendedSections()
        while clock.now < end, var batch = batches.popFirst() {
            while batch.done < batch.count, clock.now < end {
                if sections.writer.count >= Self.sectionsBytes { sections = AppendedSections() }
                if let record = process(batch, into: sections, &clock, oldest: &oldest) {
                    emit(.done(record))
                } else {
                    clock.now = monotonicNanoseconds()
                    metrics.damaged.add()
                    emit(.dropped(link: batch.link, batch: batch.number))
                }
                batch.done += 1
            }
            if batch.done < batch.count { batches.prepend(batch) }
        }
        metrics.processing.record(nanoseconds: clock.now - started)
        if oldest != .max {
            let age = startedWall - oldest
            metrics.oldest(ageNanoseconds: age)
            metrics.sinceReceipt.record(nanoseconds: max(0, age))
        }
    }

    /// Read once per record: where one ends, the next begins.
    private struct Clock {
        var now: Int64
        /// Of the wall clock, for as long as the slice lasts.
        let wallOffset: Int64
    }

    /// Works on the next record of `batch`; nil where its bytes are damaged.
    private mutating func process(
        _ batch: BatchInWork, into sections: AppendedSections, _ clock: inout Clock, oldest: inout Int64
    ) -> WorkRecord<StageResult>? {
        guard batch.done < batch.records.count else { return nil }
        return batch.records.withRecord(batch.done) { bytes in
            guard let record = try? EnvelopeView(bytes) else { return nil }
            let start = sections.writer.count
            if let verdict = work.process(record, appendingTo: &sections.writer) { note(verdict, record) }
            let began = clock.now + clock.wallOffset
            clock.now = monotonicNanoseconds()
            stamp.write(started: began, finished: clock.now + clock.wallOffset, to: &sections.writer)
            oldest = min(oldest, record.receivedAtNanoseconds)
            let result = StageResult(
                record: batch.records.record(batch.done, sequence: record.sequence), sections: sections,
                range: start..<sections.writer.count)
            return WorkRecord(
                journal: record.journal, sequence: record.sequence, isAlone: record.flags.contains(.alone),
                byteCount: result.byteCount, link: batch.link, batch: batch.number, payload: result)
        }
    }

    private mutating func note(_ verdict: Verdict, _ record: EnvelopeView) {
        let journal = record.journal
        let place = verdicts.lastIndex { $0.journal == journal } ?? verdicts.count
        if place == verdicts.count { verdicts.append(VerdictNotice(journal: journal)) }
        verdicts[place].add(record.sequence, verdict)
    }
}
