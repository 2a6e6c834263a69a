import CommitLog
import SeededRandom
import Testing
import Wire

/// What a log must hold, whatever befalls it.
struct LogModel {
    struct Record: Equatable {
        var first: UInt64
        var count: Int
        var content: [UInt8]
        var end: UInt64 { first + UInt64(count) }
    }

    /// Acknowledged, or found at a start and so no longer in doubt.
    private(set) var records: [Record] = []
    private(set) var next: UInt64 = 1
    /// The one whose outcome is unknown.
    private(set) var doubtful: Record?
    private(set) var trimmed: UInt64 = 1
    private(set) var settled: UInt64 = 0

    /// Appends to both; true when it was stored.
    mutating func append(to log: any CommitLog, count: Int, content: [UInt8], settled: UInt64 = 0) -> Bool {
        let record = Record(first: next, count: count, content: content)
        var outcome: SubmitOutcome?
        content.withUnsafeBytes { bytes in
            let middle = bytes.count / 2
            let parts = [
                UnsafeRawBufferPointer(rebasing: bytes[..<middle]), UnsafeRawBufferPointer(rebasing: bytes[middle...]),
            ]
            let submitted = LogRecord(first: next, count: count, settled: settled, parts: parts)
            log.submit(submitted) { outcome = $0 }
        }
        switch outcome {
        case .stored:
            records.append(record)
            next = record.end
            self.settled = max(self.settled, settled)
            return true
        case .unknown:
            doubtful = record
        case .refused, nil:
            break
        }
        return false
    }

    mutating func trim(_ log: any CommitLog, below number: UInt64) throws {
        trimmed = max(trimmed, min(number, next))
        try log.trim(below: number)
    }

    /// Compares a log that was just opened with what it must hold, and learns what became of the doubtful record. Gives
    /// the first difference.
    mutating func difference(_ log: any CommitLog) throws -> String? {
        if let doubtful, log.next == doubtful.end {
            records.append(doubtful)
            next = doubtful.end
        }
        doubtful = nil
        guard log.next == next else { return "next is \(log.next) in place of \(next)" }
        guard log.first <= trimmed else { return "\(trimmed)..<\(log.first) is gone and was not trimmed" }
        guard log.settled >= settled else { return "settled is \(log.settled) in place of \(settled)" }
        return try contentDifference(log)
    }

    /// Compares what is retained.
    func contentDifference(_ log: any CommitLog) throws -> String? {
        var number = log.first
        for entry in try log.read(from: 0, maxBytes: .max) {
            guard case .record(let found) = entry else { return "\(entry)" }
            guard number == log.first || found.first == number else { return "\(found.first) follows \(number)" }
            guard found.first <= number, found.end > number else { return "\(found.first) in place of \(number)" }
            guard let index = index(of: found.first) else { return "nobody stored \(found.first)" }
            let record = records[index]
            guard record.count == found.count, record.content == found.content else {
                return "\(found.first) is not what was stored"
            }
            number = found.end
        }
        return number == next ? nil : "\(number)..<\(next) is absent"
    }

    private func index(of first: UInt64) -> Int? {
        var low = 0
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            if records[middle].first < first { low = middle + 1 } else { high = middle }
        }
        return low < records.count && records[low].first == first ? low : nil
    }
}

extension SegmentLog.Options {
    /// Segments of a few blocks, the same identity every time.
    static func small(segmentBytes: Int = 8192, mostSegments: Int = 64, recordBytes: Int = 3000) -> Self {
        var options = Self(segmentBytes: segmentBytes, mostSegments: mostSegments, recordBytes: recordBytes)
        options.newID = LogID(high: 1, low: 2)
        options.newSalt = 0x5A17_5A17_5A17_5A17
        return options
    }
}
