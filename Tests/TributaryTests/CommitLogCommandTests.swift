import CommitLog
import Foundation
import JSON
import Testing
import Wire

@testable import Tributary

@Suite struct CommitLogCommandTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID())").path
    private var options = SegmentLog.Options(segmentBytes: 1 << 16, mostSegments: 8, recordBytes: 8000)

    init() {
        options.newID = LogID(high: 1, low: 2)
    }

    private func write() throws -> SegmentLog {
        let log = try SegmentLog(path, options)
        for index in 0..<10 {
            let content = [UInt8](repeating: UInt8(index), count: 5000)
            content.withUnsafeBytes { log.submit(LogRecord(first: log.next, count: 2, parts: [$0])) { _ in } }
        }
        return log
    }

    @Test func `a log that is in use is read whole`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let log = try write()
        let text = try CommandRun(["log", "check", path])
        #expect(text.status == 0)
        #expect(text.output.contains("holds 1 to 20, next 21"))
        #expect(text.output.hasSuffix("no damage\n"))
        let json = try CommandRun(["log", "check", path, "--json"])
        let found = try #require(JSONValue.read(Array(json.output.utf8)))
        #expect(found["next"].integer == 21 && found["ok"] == .bool(true))
        #expect(found["id"].text == log.id.description)
    }

    @Test func `a damaged log is said so with its numbers and exit code 1`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = try write()
        let file = try #require(try LogCheck(path).segments.first?.file)
        let handle = try #require(FileHandle(forUpdatingAtPath: "\(path)/\(file)"))
        try handle.seek(toOffset: 4096 + 200)
        try handle.write(contentsOf: Data([77]))
        try handle.close()
        let text = try CommandRun(["log", "check", path])
        #expect(text.status == 1)
        let damage = "the block there is damaged; numbers 1 to 2 are lost"
        #expect(text.output.contains("damaged: \(file) at byte 4096: \(damage)"))
    }

    @Test func `a folder without a log is a wrong argument and not an empty log`() throws {
        let run = try CommandRun(["log", "check", path])
        #expect(run.status == 78)
        #expect(run.errors.contains("log_unusable"))
    }
}
