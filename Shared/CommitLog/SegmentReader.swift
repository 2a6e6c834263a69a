/// Reads the log in order, from any number, on one thread, beside the owner's. Every block is checked each time, and
/// nothing is read that is not known to be on the disk. A log of its own descriptors: it outlives what is given up.
package final class SegmentReader {
    private let table: SegmentTable
    private let files: any LogFileSystem
    private let folder: String
    /// The segment that was read last, and the block behind the one that was read last in it.
    private var scanner: SegmentScanner?
    private var position: BlockPlace?
    /// Whether that segment could still grow when it was read.
    private var wasLast = false

    init(_ table: SegmentTable, _ files: any LogFileSystem, folder: String) {
        self.table = table
        self.files = files
        self.folder = folder
    }

    /// As `CommitLog.read`.
    package func read(from number: UInt64, maxBytes: Int) throws(LogError) -> [LogEntry] {
        var found: [LogEntry] = []
        var bytes = 0
        var number = number
        while let reading = table.pin(number) {
            var places: [BlockPlace] = []
            defer { table.unpin(reading.header.ordinal, noting: places) }
            number = reading.number
            if reading.header.first > number {
                found.append(.missing(first: number, end: reading.header.first))
                number = reading.header.first
            }
            let isDone = try read(reading, &number, maxBytes, &bytes, &found, &places)
            if isDone { break }
        }
        return found
    }

    /// Reads on in one segment. True when there is enough.
    private func read(
        _ reading: SegmentTable.Reading, _ number: inout UInt64, _ maxBytes: Int, _ bytes: inout Int,
        _ found: inout [LogEntry], _ places: inout [BlockPlace]
    ) throws(LogError) -> Bool {
        var scanner = try opened(reading)
        self.scanner = nil
        var at = start(reading, number)
        defer {
            self.scanner = scanner
            position = at.place < reading.header.byteCount ? at : nil
        }
        while at.number < reading.end {
            guard let block = try scanner.block(at: at.place), block.header.first == at.number else {
                let (next, place) = try behindDamage(&scanner, at, reading)
                if next > number {
                    found.append(.missing(first: max(number, at.number), end: next))
                    number = next
                }
                at = BlockPlace(number: next, place: place)
                continue
            }
            if block.header.end > number {
                guard found.isEmpty || bytes + block.content.count <= maxBytes else { return true }
                found.append(.record(StoredRecord(block, alignment: reading.header.alignment)))
                bytes += block.content.count
                number = block.header.end
            }
            places.append(at)
            at = BlockPlace(
                number: block.header.end,
                place: at.place + block.header.byteCount(alignment: reading.header.alignment))
            if !found.isEmpty, bytes >= maxBytes { return true }
        }
        return false
    }

    private func opened(_ reading: SegmentTable.Reading) throws(LogError) -> SegmentScanner {
        if var scanner, scanner.header == reading.header {
            if wasLast { scanner.forget() }
            wasLast = reading.isLast
            return scanner
        }
        position = nil
        wasLast = reading.isLast
        let path = folder + "/" + reading.name
        do throws(SystemError) {
            let file = try uninterrupted { () throws(SystemError) in try files.open(path, .read) }
            return SegmentScanner(file, reading.header, path: path)
        } catch {
            throw error.logError(path)
        }
    }

    /// Where to begin: where the last read ended, if that is not behind the number and closer than the index says.
    private func start(_ reading: SegmentTable.Reading, _ number: UInt64) -> BlockPlace {
        guard let position, position.number <= number, position.number > reading.start.number else {
            return reading.start
        }
        return position
    }

    /// The next number that is there behind a damaged place, and its place.
    private func behindDamage(
        _ scanner: inout SegmentScanner, _ at: BlockPlace, _ reading: SegmentTable.Reading
    ) throws(LogError) -> (UInt64, Int) {
        let place = at.place + reading.header.alignment
        guard let next = try scanner.search(from: place, above: at.number, epoch: reading.header.epoch),
            let header = try scanner.blockHeader(at: next), header.first < reading.end
        else { return (reading.end, reading.header.byteCount) }
        return (header.first, next)
    }
}

extension StoredRecord {
    init(_ block: SegmentScanner.Block, alignment: Int) {
        self.init(
            id: block.header.id, first: block.header.first, count: Int(block.header.count),
            settled: block.header.settled, checksum: block.header.contentCRC, content: Array(block.content),
            byteCount: block.header.byteCount(alignment: alignment))
    }
}
