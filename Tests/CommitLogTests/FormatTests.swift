import CommitLog
import Foundation
import Testing
import Wire

/// The page that documents the files, held by a reader in another language that was written from it.
@Suite struct FormatTests {
    private let folder = TemporaryFolder()

    private func readByPython(_ folder: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let reader = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("CommitLog/read_log.py")
        process.arguments = ["python3", reader.path, folder]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return text
    }

    @Test(arguments: [true, false])
    func `a reader in Python, written from the page alone, finds what was stored`(isDirect: Bool) throws {
        let path = folder.path + "/log"
        var expected: [String] = []
        for life in 0..<3 {
            let log = try SegmentLog(
                path, .small(segmentBytes: 1 << 16, mostSegments: 16, recordBytes: 16000),
                files: SystemFiles(wantsDirect: isDirect))
            if life == 2 { try log.takeNewID(LogID(high: 3, low: 4)) }
            for index in 0..<12 {
                let content = [UInt8](repeating: UInt8(index), count: 900 * index)
                content.withUnsafeBytes { bytes in
                    let record = LogRecord(first: log.next, count: 2, settled: log.next - 1, parts: [bytes])
                    log.submit(record) { _ in }
                }
                expected.append("\(log.id) \(log.next - 2) 2 \(log.next - 3) \(content.count) \(index)")
            }
            // The last life has an orderly end, the others have not.
            if life == 2 {
                try log.trim(below: 5)
                try log.close()
            }
        }
        let found = try readByPython(path).split(separator: "\n").map(String.init)
        #expect(found.first == "first 5 next 73 settled 70 damage 0")
        #expect(Array(found.dropFirst()) == Array(expected.dropFirst(2)))
    }
}
