internal import Glibc

/// The files that hold no part of the log: space that is taken before it is needed. One of them is kept back, so that a
/// start finds a segment to begin on a full disk too.
struct SegmentSpace {
    private(set) var spares: [String] = []
    private let files: any LogFileSystem
    private let folder: String
    private let options: SegmentLog.Options
    private var nextName: UInt64 = 1
    /// A new segment that is not zero to its end yet.
    private var filling: (name: String, file: any LogFile, place: Int)?
    private lazy var zeros = AlignedBuffer(alignment: Format.mostAlignment, byteCount: Self.fillStepBytes)

    static let prefix = "segment-"
    /// Spares that are kept; what is given up beyond them is deleted.
    static let mostSpares = 2
    /// Zeroed in one piece.
    private static let fillStepBytes = 256 * 1024

    init(_ files: any LogFileSystem, folder: String, options: SegmentLog.Options, names: [String], spares: [String]) {
        self.files = files
        self.folder = folder
        self.options = options
        self.spares = spares
        for name in names {
            guard let number = UInt64(name.dropFirst(Self.prefix.count), radix: 16), number < .max else { continue }
            nextName = max(nextName, number + 1)
        }
    }

    /// The error of a log that has as many segments as it may; nil where it may have one more.
    func overBudget(liveSegments: Int) -> LogError? {
        guard liveSegments + spares.count >= options.mostSegments else { return nil }
        return LogError(
            .overBudget,
            "the log \(folder) has its \(options.mostSegments) segments of \(options.segmentBytes) bytes; see why nothing of "
                + "it is given up, or raise its disk budget")
    }

    /// Makes a spare, on the disk with its name and its space. Its content is not zeroed yet: until it is, writes to it
    /// cost the file system a note each.
    mutating func addSpare(liveSegments: Int, path: String) throws(LogError) {
        if let error = overBudget(liveSegments: liveSegments) { throw error }
        let digits = String(nextName, radix: 16)
        let name = Self.prefix + String(repeating: "0", count: max(0, 16 - digits.count)) + digits
        nextName += 1
        var file: (any LogFile)?
        do throws(SystemError) {
            let opened = try uninterrupted { () throws(SystemError) in try files.open(folder + "/" + name, .create) }
            file = opened
            try take(opened)
            try opened.flushed()
            try uninterrupted { () throws(SystemError) in try files.syncFolder(folder) }
        } catch {
            // Half a spare would count against the budget; the next start takes it for one otherwise.
            if file != nil { try? files.unlink(folder + "/" + name) }
            throw error.logError(path)
        }
        if let file, filling == nil, options.zeroFills { filling = (name, file, 0) }
        spares.append(name)
    }

    /// The spare that is next used, its space taken whatever a former process left of it.
    func openNext(_ path: String) throws(LogError) -> (name: String, file: any LogFile) {
        guard let name = spares.first else { preconditionFailure("a segment is begun in a spare") }
        return try asLogError(path) { () throws(SystemError) in
            let file = try uninterrupted { () throws(SystemError) in try files.open(folder + "/" + name, .commit) }
            try uninterrupted { () throws(SystemError) in try file.allocate(byteCount: options.segmentBytes) }
            try file.flushed()
            return (name, file)
        }
    }

    /// The spare is part of the log now.
    mutating func removeNext() {
        if filling?.name == spares.first { filling = nil }
        spares.removeFirst()
    }

    /// Takes the file of a segment that was given up, to be used again or deleted.
    mutating func release(_ segment: Segment, path: String) throws(LogError) {
        let name = folder + "/" + segment.name
        if spares.count < Self.mostSpares, segment.pins == 0, segment.header.byteCount == options.segmentBytes,
            // Another name is a copy that somebody made with a link: it must not change.
            (try? files.open(name, .read).linkCount()) == 1
        {
            spares.append(segment.name)
            return
        }
        try asLogError(path) { () throws(SystemError) in
            try uninterrupted { () throws(SystemError) in try files.unlink(name) }
        }
    }

    /// Zeroes a new segment further, by about so many bytes; false when there is nothing left to do. Without space it stays as it is, which is slower and right.
    mutating func fill(_ byteCount: Int, path: String) throws(LogError) -> Bool {
        guard var filling else { return false }
        do throws(SystemError) {
            let end = min(options.segmentBytes, filling.place + byteCount.roundedUp(to: filling.file.alignment))
            while filling.place < end {
                let count = min(end - filling.place, zeros.bytes.count)
                try filling.file.writeWhole(UnsafeRawBufferPointer(rebasing: zeros.bytes[..<count]), at: filling.place)
                filling.place += count
            }
            self.filling = filling
            guard filling.place == options.segmentBytes else { return true }
            self.filling = nil
            try filling.file.flushed()
        } catch {
            self.filling = nil
            let error = error.logError(path)
            if error.code != .full { throw error }
        }
        return false
    }

    private mutating func take(_ file: any LogFile) throws(SystemError) {
        do throws(SystemError) {
            try uninterrupted { () throws(SystemError) in try file.allocate(byteCount: options.segmentBytes) }
        } catch  where error.code == EOPNOTSUPP {
            for place in stride(from: 0, to: options.segmentBytes, by: zeros.bytes.count) {
                let count = min(zeros.bytes.count, options.segmentBytes - place)
                try file.writeWhole(UnsafeRawBufferPointer(rebasing: zeros.bytes[..<count]), at: place)
            }
        }
    }
}
