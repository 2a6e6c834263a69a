internal import DequeModule
internal import Wire
internal import ZeroMQ

/// The bytes of what is in the window, by sequence.
struct FrameStore {
    private var batches: Deque<RecordBatch> = []

    mutating func append(_ batch: RecordBatch) { batches.append(batch) }

    mutating func forget(through watermark: UInt64) {
        while let first = batches.first, first.last <= watermark { batches.removeFirst() }
    }

    mutating func removeAll() { batches.removeAll() }

    /// The records of `ranges` as one body frame. `mark` says what to patch into a record; nil leaves it as journaled.
    func frame(of ranges: [SequenceRange], mark: (UInt64) -> (flags: EnvelopeFlags, resends: UInt8)?) -> Frame {
        var slices: [RecordBatch] = []
        var byteCount = 0
        for range in ranges {
            var sequence = range.first
            while sequence <= range.last {
                let batch = batches[batchIndex(of: sequence)]
                let last = min(range.last, batch.last)
                let slice = batch[Int(sequence - batch.first)..<Int(last - batch.first) + 1]
                slices.append(slice)
                byteCount += slice.byteCount
                sequence = last + 1
            }
        }
        return Frame(byteCount: byteCount) { target in
            var offset = 0
            for slice in slices {
                slice.withBytes { source in
                    UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + source.count])
                        .copyMemory(from: source)
                    offset += source.count
                }
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
