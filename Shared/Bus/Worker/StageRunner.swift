internal import DequeModule
internal import StageMetrics
internal import Wire
internal import ZeroMQ

/// Results of one slice of work, written once and then only read.
final class Chunk {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// One length-prefixed envelope inside a chunk.
struct ChunkSlice {
    let chunk: Chunk
    let range: Range<Int>

    /// The slices as one body frame; neighbours are copied in one go.
    static func frame(of slices: [ChunkSlice]) -> Frame {
        Frame(byteCount: slices.reduce(0) { $0 + $1.range.count }) { target in
            var offset = 0
            var index = 0
            while index < slices.count {
                var run = slices[index].range
                let chunk = slices[index].chunk
                index += 1
                while index < slices.count, slices[index].chunk === chunk,
                    slices[index].range.lowerBound == run.upperBound
                {
                    run = run.lowerBound..<slices[index].range.upperBound
                    index += 1
                }
                chunk.bytes.withUnsafeBytes { source in
                    UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + run.count])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[run]))
                }
                offset += run.count
            }
        }
    }
}

/// A batch that waits for the stage's work, or is in the middle of it.
struct BatchInWork {
    let link: Int
    let number: UInt64
    let count: Int
    let body: Frame
    /// Offset of the next record in `body`.
    var position = 0
    var done = 0

    init(link: Int, number: UInt64, count: Int, body: Frame) {
        self.link = link
        self.number = number
        self.count = count
        self.body = body
    }
}

/// Where the stage's work is done: batches in, enveloped results and verdicts out, never longer than a slice at a time.
struct StageRunner<Work: StageWork> {
    enum Outcome {
        case done(WorkRecord<ChunkSlice>)
        /// The record's bytes are damaged, or the batch holds fewer records than it claims.
        case dropped(link: Int, batch: UInt64)
    }

    private struct Finished {
        var journal: JournalID
        var sequence: UInt64
        var isAlone: Bool
        var link: Int
        var batch: UInt64
        var range: Range<Int>
    }

    var verdicts: [JournalID: VerdictNotice] = [:]
    private var work: Work
    private var batches: Deque<BatchInWork> = []
    private let role: StageRole
    private let instance: String
    private let metrics: WorkerLoopMetrics

    /// Results are handed on when they reach this size, or when the slice ends.
    private static var chunkBytes: Int { 256 * 1024 }

    init(work: Work, role: StageRole, instance: String, metrics: WorkerLoopMetrics) {
        self.work = work
        self.role = role
        self.instance = instance
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
        var now = started
        var oldest = Int64.max
        while !batches.isEmpty, now < end {
            var writer = ByteWriter(reservingBytes: 64 * 1024)
            var finished: [Finished] = []
            while var batch = batches.popFirst() {
                while batch.done < batch.count, now < end, writer.count < Self.chunkBytes {
                    batch.done += 1
                    let stamp = StampTimes(started: startedWall + (now - started), monotonic: now)
                    if let record = process(&batch, into: &writer, stamp, oldest: &oldest) {
                        finished.append(record)
                    } else {
                        emit(.dropped(link: batch.link, batch: batch.number))
                    }
                    now = monotonicNanoseconds()
                }
                if batch.done < batch.count { batches.prepend(batch) }
                if now >= end || writer.count >= Self.chunkBytes { break }
            }
            emitAll(finished, Chunk(writer.bytes), emit)
        }
        metrics.processing.record(nanoseconds: now - started)
        if oldest != .max {
            let age = startedWall - oldest
            metrics.oldest(ageNanoseconds: age)
            metrics.sinceReceipt.record(nanoseconds: max(0, age))
        }
    }

    private struct StampTimes {
        var started: Int64
        var monotonic: Int64
    }

    /// Works on the next record of `batch`; nil where its bytes are damaged.
    private mutating func process(
        _ batch: inout BatchInWork, into writer: inout ByteWriter, _ times: StampTimes, oldest: inout Int64
    ) -> Finished? {
        let frame = batch.body
        return frame.withBytes { bytes in
            process(bytes, of: &batch, into: &writer, times, oldest: &oldest)
        }
    }

    private mutating func process(
        _ body: UnsafeRawBufferPointer, of batch: inout BatchInWork, into writer: inout ByteWriter,
        _ times: StampTimes, oldest: inout Int64
    ) -> Finished? {
        var reader = BatchReader(UnsafeRawBufferPointer(rebasing: body[batch.position...]))
        guard let bytes = try? reader.next() else {
            batch.position = body.count
            metrics.damaged.add()
            return nil
        }
        batch.position += 4 + bytes.count
        guard let record = try? EnvelopeView(bytes) else {
            metrics.damaged.add()
            return nil
        }
        let start = writer.count
        writer.u32(0)
        writer.raw(bytes)
        let verdict = work.process(record, appendingTo: &writer)
        let finished = times.started + (monotonicNanoseconds() - times.monotonic)
        StageStamp(
            stage: role, instance: instance, startedNanoseconds: times.started, finishedNanoseconds: finished
        ).write(to: &writer)
        writer.patchU32(UInt32(writer.count - start - 4), at: start)
        oldest = min(oldest, record.receivedAtNanoseconds)
        if role == .verifier {
            verdicts[record.journal, default: VerdictNotice(journal: record.journal)].add(record.sequence, verdict)
        }
        return Finished(
            journal: record.journal, sequence: record.sequence, isAlone: record.flags.contains(.alone),
            link: batch.link, batch: batch.number, range: start..<writer.count)
    }

    private func emitAll(_ finished: [Finished], _ chunk: Chunk, _ emit: (Outcome) -> Void) {
        for record in finished {
            emit(
                .done(
                    WorkRecord(
                        journal: record.journal, sequence: record.sequence, isAlone: record.isAlone,
                        byteCount: record.range.count, link: record.link, batch: record.batch,
                        payload: ChunkSlice(chunk: chunk, range: record.range))))
        }
    }
}
