import Foundation
import LogSamples
import Testing

@testable import EventDelivery

/// What the `file` destination does with files. Real files; disks that fail are made of calls that do.
@Suite struct JSONLinesFileTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/audit.jsonl" }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func file(
        _ names: [String] = ["audit.jsonl"], rotateAt: Int = 1 << 20, keep: Int = 3,
        calls: JSONLinesFile.Calls = JSONLinesFile.Calls()
    ) -> JSONLinesFile {
        JSONLinesFile(folder: folder.path, names: names, rotateAtBytes: rotateAt, keep: keep, calls: calls)
    }

    private func line(_ number: Int) -> String { "{\"specversion\":\"1.0\",\"id\":\"\(number)\"}\n" }

    private func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    /// The end of a write that was refused.
    private func refusal(_ write: () throws(FileFailure) -> Void) -> (end: AttemptEnd, detail: String)? {
        do throws(FileFailure) {
            try write()
            return nil
        } catch {
            return (error.end, error.detail)
        }
    }

    @Test func `lines are appended to what is there, in a file that others may not read`() throws {
        var first = file()
        try first.append(Array(line(1).utf8))
        try first.append(Array((line(2) + line(3)).utf8))
        first.close()
        var second = file()
        try second.append(Array(line(4).utf8))
        #expect(text(path) == (1...4).map(line).joined())
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o640)
    }

    @Test(arguments: ["{\"specversion\":\"1.0\",\"id\":\"to", "{\"sp", "{", "\0\0\0\0"])
    func `a last line that a crash tore is cut off before the next is written`(torn: String) throws {
        try (line(1) + torn).write(toFile: path, atomically: false, encoding: .utf8)
        var file = file()
        try file.append(Array(line(2).utf8))
        #expect(text(path) == line(1) + line(2))
    }

    @Test func `a torn line longer than one read is found whole, and may be the only one`() throws {
        let torn = "{\"specversion\":" + String(repeating: "x", count: 200_000)
        for whole in ["", line(1)] {
            try (whole + torn).write(toFile: path, atomically: false, encoding: .utf8)
            var file = file()
            try file.append(Array(line(2).utf8))
            file.close()
            #expect(text(path) == whole + line(2))
        }
    }

    @Test func `a file that ends in something else is left as it is`() throws {
        try "a list of mine".write(toFile: path, atomically: false, encoding: .utf8)
        var file = file()
        let refused = refusal { () throws(FileFailure) in try file.append(Array(line(1).utf8)) }
        #expect(refused?.end == .openFailed && refused?.detail.contains("move it away") == true)
        #expect(text(path) == "a list of mine")
    }

    @Test func `the file is put aside before it would become too large, and only so many are kept`() throws {
        let size = line(1).utf8.count
        var file = file(rotateAt: 2 * size, keep: 2)
        for number in 1...7 { try file.append(Array(line(number).utf8)) }
        #expect(text(path) == line(7))
        #expect(text(path + ".1") == line(5) + line(6))
        #expect(text(path + ".2") == line(3) + line(4))
        #expect(text(path + ".3") == nil)
        file.keep = 1
        try file.append(Array((line(8) + line(9)).utf8))
        #expect(text(path) == line(8) + line(9) && text(path + ".1") == line(7) && text(path + ".2") == nil)
    }

    @Test func `a delivery larger than the limit is written all the same, alone in its file`() throws {
        let many = (1...9).map(line).joined()
        var file = file(rotateAt: 100)
        try file.append(Array(line(0).utf8))
        try file.append(Array(many.utf8))
        #expect(text(path) == many && text(path + ".1") == line(0))
    }

    @Test func `a file that somebody moved away or removed is made anew`() throws {
        var file = file()
        try file.append(Array(line(1).utf8))
        try FileManager.default.moveItem(atPath: path, toPath: path + ".mine")
        try file.append(Array(line(2).utf8))
        try FileManager.default.removeItem(atPath: path)
        try file.append(Array(line(3).utf8))
        #expect(text(path) == line(3) && text(path + ".mine") == line(1))
    }

    @Test func `symbolic links, pipes, folders and files of two names are not written to`() throws {
        let outside = folder.path + "/outside"
        try "".write(toFile: outside, atomically: false, encoding: .utf8)
        let files = FileManager.default
        try files.createDirectory(atPath: folder.path + "/real", withIntermediateDirectories: false)
        try files.createSymbolicLink(atPath: folder.path + "/link.jsonl", withDestinationPath: outside)
        try files.createSymbolicLink(atPath: folder.path + "/dangling.jsonl", withDestinationPath: "/tmp/none")
        try files.createSymbolicLink(atPath: folder.path + "/way", withDestinationPath: folder.path + "/real")
        try files.linkItem(atPath: outside, toPath: folder.path + "/second.jsonl")
        #expect(mkfifo(folder.path + "/pipe.jsonl", 0o600) == 0)
        let refused: [[String]] = [["link.jsonl"], ["dangling.jsonl"], ["way", "a.jsonl"], ["second.jsonl"]]
        for names in refused {
            var file = file(names)
            let refusal = refusal { () throws(FileFailure) in try file.append(Array(line(1).utf8)) }
            #expect(refusal?.end == .addressRefused, "\(names): \(String(describing: refusal))")
        }
        for name in ["pipe.jsonl", "real"] {
            var file = file([name])
            #expect(refusal { () throws(FileFailure) in try file.append(Array(line(1).utf8)) } != nil, "\(name)")
        }
        #expect(text(outside) == "" && !files.fileExists(atPath: folder.path + "/real/a.jsonl"))
        var deep = file(["real", "a.jsonl"])
        try deep.append(Array(line(1).utf8))
        #expect(text(folder.path + "/real/a.jsonl") == line(1))
    }

    @Test func `two do not write to one file, and a folder that is missing is waited for`() throws {
        var first = file()
        try first.append(Array(line(1).utf8))
        var second = file()
        #expect(refusal { () throws(FileFailure) in try second.append(Array(line(2).utf8)) }?.end == .fileInUse)
        first.close()
        try second.append(Array(line(2).utf8))
        var missing = file(["none", "a.jsonl"])
        let refused = refusal { () throws(FileFailure) in try missing.append(Array(line(1).utf8)) }
        #expect(refused?.end == .openFailed && refused?.detail == "none: No such file or directory")
        try FileManager.default.createDirectory(atPath: folder.path + "/none", withIntermediateDirectories: false)
        try missing.append(Array(line(1).utf8))
    }

    @Test(arguments: [(ENOSPC, AttemptEnd.diskFull), (EDQUOT, .diskFull), (EIO, .writeFailed), (EACCES, .writeFailed)])
    func `a disk that takes a part leaves no torn line, and later takes the rest`(
        code: Int32, end: AttemptEnd
    ) throws {
        let broken = Flag()
        let first = line(1).utf8.count
        var calls = JSONLinesFile.Calls()
        calls.write = { file, bytes in
            guard broken.isSet else { return write(file, bytes.baseAddress, bytes.count) }
            // The first call takes ten bytes, the second none.
            if lseek(file, 0, SEEK_END) > off_t(first) {
                errno = code
                return -1
            }
            return write(file, bytes.baseAddress, 10)
        }
        var file = file(calls: calls)
        try file.append(Array(line(1).utf8))
        broken.isSet = true
        let refused = refusal { () throws(FileFailure) in try file.append(Array(line(2).utf8)) }
        #expect(refused?.end == end && refused?.detail.contains(String(cString: strerror(code))) == true)
        #expect(text(path) == line(1))
        broken.isSet = false
        try file.append(Array(line(2).utf8))
        #expect(text(path) == line(1) + line(2))
    }

    @Test func `what could not be flushed does not count and comes again once`() throws {
        let broken = Flag()
        var calls = JSONLinesFile.Calls()
        calls.flush = { file in
            guard broken.isSet else { return fdatasync(file) }
            errno = EIO
            return -1
        }
        var file = file(calls: calls)
        try file.append(Array(line(1).utf8))
        broken.isSet = true
        #expect(refusal { () throws(FileFailure) in try file.append(Array(line(2).utf8)) }?.end == .flushFailed)
        broken.isSet = false
        try file.append(Array(line(2).utf8))
        #expect(text(path) == line(1) + line(2))
    }

    /// Used by one thread.
    private final class Flag: @unchecked Sendable {
        var isSet = false
    }
}
