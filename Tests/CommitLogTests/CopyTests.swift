import Foundation
import Synchronization
import Testing

@testable import CommitLog

@Suite struct CopyTests {
    private let folder = TemporaryFolder()
    private let options = SegmentLog.Options(segmentBytes: 256 << 10, mostSegments: 8, recordBytes: 16 << 10)
    private var source: String { folder.path + "/log" }
    private var target: String { folder.path + "/copy" }

    private static func append(_ log: SegmentLog, count: Int = 1) throws {
        let text = "\(log.next) " + String(repeating: "x", count: 9_000)
        try Array(text.utf8).withUnsafeBytes { bytes in
            _ = try log.append(LogRecord(first: log.next, count: count, parts: [bytes])).get()
        }
    }

    /// The numbers of the records, as their contents say.
    private static func numbers(_ log: SegmentLog) throws -> [UInt64] {
        try log.read(from: log.first, maxBytes: .max).map { entry in
            guard case .record(let record) = entry else { return 0 }
            #expect(record.content.starts(with: Array("\(record.first) ".utf8)))
            return record.first
        }
    }

    private func dropCopy() throws { try FileManager.default.removeItem(atPath: target) }

    @Test func `a copy of a log holds what the log holds, under the same names, and goes on`() throws {
        let log = try SegmentLog(source, options)
        for _ in 0..<100 { try Self.append(log, count: 3) }
        try log.trim(below: 152)
        let made = try LogCopy.make(of: source, in: target)
        #expect((made.id, made.first, made.next) == (log.id, 152, 301))
        #expect(made.damage.isEmpty)
        #expect(try LogCheck(target).spares.isEmpty && !SystemFiles().names(in: folder.path).contains("log.pins"))
        let copy = try SegmentLog(target, options)
        #expect(try Self.numbers(copy) == Self.numbers(log))
        try Self.append(copy)
        #expect((copy.first, copy.next) == (152, 302))
        try dropCopy()
    }

    @Test func `an empty log that has given out numbers gives out the next one in its copy`() throws {
        let log = try SegmentLog(source, options)
        for _ in 0..<40 { try Self.append(log) }
        try log.trim(below: 41)
        try LogCopy.make(of: source, in: target)
        let copy = try SegmentLog(target, options)
        #expect((copy.first, copy.next) == (41, 41))
        try dropCopy()
    }

    @Test func `copies of a log that is appended to and trimmed have no gap and no end before what was stored`() throws
    {
        let isDone = Mutex(false)
        let stored = Mutex<UInt64>(0)
        let ended = DispatchSemaphore(value: 0)
        let (source, options) = (source, options)
        _ = try SegmentLog(source, options)
        let writer = Thread {
            defer { ended.signal() }
            guard let log = try? SegmentLog(source, options) else { return }
            while !isDone.withLock({ $0 }) {
                try? Self.append(log)
                stored.withLock { $0 = log.next - 1 }
                if log.next > 60 { try? log.trim(below: log.next - 60) }
            }
        }
        writer.start()
        defer {
            isDone.withLock { $0 = true }
            ended.wait()
        }
        for _ in 0..<20 {
            let before = stored.withLock { $0 }
            try LogCopy.make(of: source, in: target)
            let copy = try SegmentLog(target, options)
            let numbers = try Self.numbers(copy)
            #expect(numbers == Array(copy.first..<copy.next))
            #expect(copy.next > before)
            try dropCopy()
        }
    }

    @Test func `a damaged log is not copied, and nothing is left`() throws {
        let log = try SegmentLog(source, options)
        for _ in 0..<40 { try Self.append(log) }
        try log.close()
        let segment = try #require(try SystemFiles().names(in: source).filter { $0.hasPrefix("segment") }.min())
        let descriptor = open("\(source)/\(segment)", O_WRONLY)
        #expect(pwrite(descriptor, [7], 1, 20_000) == 1)
        close(descriptor)
        let error = #expect(throws: LogError.self) { try LogCopy.make(of: source, in: target) }
        #expect(error?.code == .damaged)
        #expect(try SystemFiles().names(in: folder.path).filter { $0 != "log" } == [])
    }
}
