internal import DequeModule
internal import Wire
internal import ZeroMQ

/// Consecutive records as the journal has them on disk: length-prefixed, sealed envelopes.
package struct JournaledBatch: Sendable {
    /// Sequence of the first record.
    package var first: UInt64
    package var count: Int
    package var frames: [UInt8]

    package init(first: UInt64, count: Int, frames: [UInt8]) {
        self.first = first
        self.count = count
        self.frames = frames
    }
}

/// The bytes of what is in the window, by sequence.
struct FrameStore {
    private struct Batch {
        var first: UInt64
        var frames: [UInt8]
        /// Where each record starts, and the end.
        var offsets: [Int]

        var last: UInt64 { first + UInt64(offsets.count - 1) - 1 }
    }

    private var batches: Deque<Batch> = []

    /// Where the records of a batch start, and its end; nil when the batch is not what it claims to be.
    static func offsets(of batch: JournaledBatch) -> [Int]? {
        var offsets = [0]
        offsets.reserveCapacity(batch.count + 1)
        let isSound = batch.frames.withUnsafeBytes { bytes in
            var reader = BatchReader(bytes)
            while true {
                guard let next = try? reader.next() else { return offsets.last == bytes.count }
                offsets.append(offsets[offsets.count - 1] + 4 + next.count)
            }
        }
        return isSound && offsets.count == batch.count + 1 ? offsets : nil
    }

    mutating func append(_ batch: JournaledBatch, offsets: [Int]) {
        batches.append(Batch(first: batch.first, frames: batch.frames, offsets: offsets))
    }

    mutating func forget(through watermark: UInt64) {
        while let first = batches.first, first.last <= watermark { batches.removeFirst() }
    }

    mutating func removeAll() { batches.removeAll() }

    /// The records of `ranges` as one body frame. `mark` says what to patch into a record; nil leaves it as journaled.
    func frame(of ranges: [SequenceRange], mark: (UInt64) -> (flags: EnvelopeFlags, resends: UInt8)?) -> Frame {
        var slices: [(batch: Int, range: Range<Int>)] = []
        var byteCount = 0
        for range in ranges {
            var sequence = range.first
            while sequence <= range.last {
                let index = batchIndex(of: sequence)
                let batch = batches[index]
                let last = min(range.last, batch.last)
                let slice = batch.offsets[Int(sequence - batch.first)]..<batch.offsets[Int(last - batch.first) + 1]
                slices.append((index, slice))
                byteCount += slice.count
                sequence = last + 1
            }
        }
        return Frame(byteCount: byteCount) { target in
            var offset = 0
            for (index, slice) in slices {
                batches[index].frames.withUnsafeBytes { source in
                    UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + slice.count])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[slice]))
                }
                offset += slice.count
            }
            Self.patch(target, ranges, mark)
        }
    }

    private static func patch(
        _ target: UnsafeMutableRawBufferPointer, _ ranges: [SequenceRange],
        _ mark: (UInt64) -> (flags: EnvelopeFlags, resends: UInt8)?
    ) {
        var offset = 0
        for range in ranges {
            for sequence in range.first...range.last {
                let length = Int(UInt32(littleEndian: target.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
                offset += 4
                if let mark = mark(sequence) {
                    EnvelopePatch.mark(
                        UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + length]), flags: mark.flags,
                        resends: mark.resends)
                }
                offset += length
            }
        }
    }

    private func batchIndex(of sequence: UInt64) -> Int {
        var (low, high) = (0, batches.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if batches[middle].first <= sequence { low = middle } else { high = middle - 1 }
        }
        precondition(
            batches.indices.contains(low) && batches[low].first <= sequence && sequence <= batches[low].last,
            "the window holds only records whose bytes are here")
        return low
    }
}
