import CommitLog
import Glibc
import MemoryDisk
import SeededRandom
import Testing

/// A folder of its own for one test, removed when the value goes.
final class TemporaryFolder {
    let path: String

    init() {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/tributary-log-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "a temporary folder can be made")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for folder in ["\(path)/log", path] {
            for name in (try? SystemFiles().names(in: folder)) ?? [] { unlink("\(folder)/\(name)") }
            rmdir(folder)
        }
    }
}

/// Every engine, and what it runs on.
enum LogEngine: CaseIterable {
    /// In memory, through the page cache or not.
    case memory, memoryCached
    /// Real files, through the page cache or not.
    case files, filesCached

    /// A way to open the same log again and again.
    func opener(_ folder: TemporaryFolder) -> () throws -> any CommitLog {
        let options = SegmentLog.Options.small(segmentBytes: 1 << 16, mostSegments: 16, recordBytes: 16000)
        let files: any LogFileSystem =
            switch self {
            case .memory: MemoryDisk(seed: 1, isDirect: true)
            case .memoryCached: MemoryDisk(seed: 1, isDirect: false)
            case .files: SystemFiles()
            case .filesCached: SystemFiles(wantsDirect: false)
            }
        return { try SegmentLog(folder.path + "/log", options, files: files) }
    }
}

/// What every engine of `CommitLog` must pass.
@Suite struct ContractTests {
    private let folder = TemporaryFolder()

    private func content(_ seed: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed) }
    }

    @Test(arguments: LogEngine.allCases)
    func `an empty log begins at 1 and keeps its identity`(_ engine: LogEngine) throws {
        let open = engine.opener(folder)
        let id = try open().id
        let log = try open()
        #expect((log.first, log.next, log.settled) == (1, 1, 0))
        #expect(log.id == id)
        #expect(try log.read(from: 1, maxBytes: .max).isEmpty)
    }

    @Test(arguments: LogEngine.allCases)
    func `what was stored is read back in order, from any number, also after opening anew`(_ engine: LogEngine) throws {
        let open = engine.opener(folder)
        var model = LogModel()
        do {
            let log = try open()
            for index in 0..<40 {
                let isStored = model.append(
                    to: log, count: 1 + index % 4, content: content(index, index * 173 % 9000), settled: UInt64(index))
                #expect(isStored)
            }
            #expect(try model.contentDifference(log) == nil)
        }
        let log = try open()
        #expect(try model.contentDifference(log) == nil)
        #expect(log.settled == 39)
        for number in 1..<log.next {
            guard case .record(let record) = try log.read(from: number, maxBytes: 0).first else {
                Issue.record("nothing at \(number)")
                return
            }
            #expect(record.first <= number && number < record.end && record.id == log.id)
        }
    }

    @Test(arguments: LogEngine.allCases)
    func `reading gives at least one record and otherwise keeps to its limit`(_ engine: LogEngine) throws {
        let log = try engine.opener(folder)()
        var model = LogModel()
        for index in 0..<9 { _ = model.append(to: log, count: 1, content: content(index, 1000)) }
        #expect(try log.read(from: 3, maxBytes: 0).count == 1)
        #expect(try log.read(from: 3, maxBytes: 2999).count == 2)
        #expect(try log.read(from: 3, maxBytes: 3000).count == 3)
        #expect(try log.read(from: 8, maxBytes: .max).count == 2)
        #expect(try log.read(from: 10, maxBytes: .max).isEmpty)
    }

    @Test(arguments: LogEngine.allCases)
    func `an emptied log does not begin at 1 again`(_ engine: LogEngine) throws {
        let open = engine.opener(folder)
        var model = LogModel()
        do {
            let log = try open()
            for index in 0..<40 { _ = model.append(to: log, count: 2, content: content(index, 9000)) }
            try model.trim(log, below: .max)
            #expect((log.first, log.next) == (81, 81))
            #expect(try log.read(from: 1, maxBytes: .max).isEmpty)
        }
        let log = try open()
        #expect(log.next == 81 && log.first <= 81)
        let isStored = model.append(to: log, count: 1, content: content(0, 1))
        #expect(isStored && log.next == 82)
        #expect(try model.contentDifference(log) == nil)
    }

    @Test(arguments: LogEngine.allCases)
    func `what is given up makes room for more than the log may hold`(_ engine: LogEngine) throws {
        let log = try engine.opener(folder)()
        var model = LogModel()
        for index in 0..<300 {
            let isStored = model.append(to: log, count: 1, content: content(index, 15000))
            #expect(isStored)
            if index % 10 == 9 { try model.trim(log, below: model.next - 3) }
        }
        #expect(try model.contentDifference(log) == nil)
    }

    @Test(arguments: LogEngine.allCases)
    func `a record that is too large or does not fit is refused and the numbers stay`(_ engine: LogEngine) throws {
        let log = try engine.opener(folder)()
        var model = LogModel()
        var refusals: [LogError.Code] = []
        for size in [16001, 100] {
            let bytes = content(0, size)
            bytes.withUnsafeBytes { bytes in
                log.submit(LogRecord(first: 1, count: 1, parts: [bytes])) { outcome in
                    if case .refused(let error) = outcome { refusals.append(error.code) }
                }
            }
        }
        #expect(refusals == [.tooLarge] && log.next == 2)
        try model.trim(log, below: 1)
    }

    @Test(arguments: LogEngine.allCases, 0..<4 as Range<UInt64>)
    func `random use agrees with the model`(_ engine: LogEngine, _ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let open = engine.opener(folder)
        var model = LogModel()
        for _ in 0..<4 {
            let log = try open()
            let difference = try model.difference(log)
            #expect(difference == nil)
            for step in 0..<25 {
                switch Int.random(in: 0..<8, using: &generator) {
                case 0: try model.trim(log, below: .random(in: 0...model.next, using: &generator))
                case 1: #expect(try model.contentDifference(log) == nil)
                default:
                    let size = Int.random(in: 0...16000, using: &generator)
                    _ = model.append(
                        to: log, count: .random(in: 1...9, using: &generator), content: content(step, size))
                }
            }
        }
    }
}
