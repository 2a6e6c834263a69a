import ArgumentParser
import Executable
import Glibc
import PipelineConfiguration

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Prints the ends of the stages' logs.",
        discussion: """
            Examples:
              tributary logs                     the last 20 lines of each
              tributary logs verifier-0 -f       go on with what is logged from now on
              tributary logs supervisor -n 100

            Exit codes: 3 nothing runs, 64 there is no such log, 77 not permitted.
            """)

    @Option(help: ArgumentHelp("The configuration file; TRIBUTARY_CONFIG when left out.", valueName: "file"))
    var config = StageOptions.defaultConfiguration

    @Argument(help: "One instance, such as router-0, or supervisor; all when left out.")
    var instance: String?

    @Flag(name: [.short, .long], help: "Go on with what is logged from now on.")
    var follow = false

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("How many lines of each, within its last 64 KiB.", valueName: "n"))
    var lines = 20

    func validate() throws {
        guard lines >= 0 else { throw ValidationError("--lines takes a number of lines, 0 or more") }
    }

    func run() {
        let (logs, isRunning) = orExit { () throws(StageFailure) in
            let running = try AcceptedConfiguration.running(config) { StandardError.write("tributary: \($0)\n") }
            let wanted = instance.map { Stage.instance(named: $0) ?? $0 }
            let logs = try StageLogs(folder: running.runDir, only: wanted)
            return (logs, try !PipelineStatus(runDir: running.runDir).rows.isEmpty)
        }
        StandardOutput.write(logs.ends(lines: lines))
        while follow, isRunning {
            // Following is looking again; the files of many writers say nothing by themselves.
            usleep(200_000)
            StandardOutput.write(logs.news())
        }
        if !isRunning { PipelineStatus.nothingRuns.exit(as: "tributary") }
    }
}

/// The logs of a run directory, or one of them; the stages append to them directly.
final class StageLogs {
    private static let mostBytes = 64 * 1024

    private let folder: String
    private let only: String?
    /// How far each was printed.
    private var ends: [String: Int] = [:]

    /// Fails with 64 where the one that is wanted is not there.
    init(folder: String, only: String?) throws(StageFailure) {
        self.folder = folder
        self.only = only
        let names = Self.names(in: folder)
        if let only, !names.contains(only) {
            throw StageFailure(
                .usage,
                "there is no log of \"\(printable(only))\" in \(folder); there are logs of "
                    + "\(names.isEmpty ? "nothing yet" : names.joined(separator: ", ")).")
        }
    }

    /// The last lines of each.
    func ends(lines: Int) -> String {
        text { path, name in
            let bytes = Self.read(path, from: max(0, Self.size(path) - Self.mostBytes))
            ends[name] = Self.size(path)
            return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast(
                bytes.last == UInt8(ascii: "\n") ? 1 : 0
            ).suffix(lines)
        }
    }

    /// The whole lines since the last call; a log that was rotated has begun anew.
    func news() -> String {
        text { path, name in
            let (size, printed) = (Self.size(path), ends[name] ?? 0)
            let start = size < printed ? 0 : printed
            let bytes = size == start ? [] : Self.read(path, from: start)
            guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
            ends[name] = start + end + 1
            return bytes[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).suffix(.max)
        }
    }

    /// The lines of every log, after the instance's name where there are several logs.
    private func text(_ lines: (_ path: String, _ name: String) -> ArraySlice<ArraySlice<UInt8>>) -> String {
        let names = only.map { [$0] } ?? Self.names(in: folder)
        let width = names.map(\.count).max() ?? 0
        var text = ""
        for name in names {
            let prefix = only == nil ? name + String(repeating: " ", count: width - name.count) + " | " : ""
            for line in lines("\(folder)/\(name).log", name) {
                text += prefix + String(decoding: line, as: UTF8.self) + "\n"
            }
        }
        return text
    }

    private static func names(in folder: String) -> [String] {
        DirectoryNames.read(folder).filter { $0.hasSuffix(".log") }.map { String($0.dropLast(4)) }.sorted()
    }

    private static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    private static func read(_ path: String, from start: Int) -> [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        fseek(file, start, SEEK_SET)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return bytes
    }
}
