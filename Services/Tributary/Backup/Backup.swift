import CommitLog
import EventLog
import Executable
import Foundation
import JSON
import Primitives
import StageMetrics
import Wire

/// A copy of what the stages of one host keep, in a folder per instance as in `data_dir`.
struct Backup {
    /// What the copy of one instance holds.
    struct Instance {
        let name: String
        let log: LogCheck

        var json: JSONText {
            .object([
                ("name", .string(name)), ("log_id", .string(log.id.description)), ("first", .number(log.first)),
                ("next", .number(log.next)),
            ])
        }

        var text: String {
            let held = log.next > log.first ? "records \(log.first) to \(log.next - 1)" : "nothing"
            return "\(name): \(held) of log \(log.id)"
        }
    }

    /// Written last: a folder without it holds no whole backup.
    private static let manifest = "backup.json"
    private static let version: Int64 = 1
    static let state = "events.sqlite"

    let folder: String
    let instances: [Instance]

    /// Copies `dataDir` into `folder`, which must be new or empty; the stages may run. Journals come first: what one has
    /// given up by then is in the event log. The state comes before the log that it is derived from.
    init(of dataDir: String, in folder: String, said: (Instance) -> Void) throws(StageFailure) {
        try FileAccess.check(dataDir)
        let names = Self.instances(in: dataDir)
        guard !names.isEmpty else {
            throw StageFailure(.unavailable, "\(dataDir) holds no journal and no event log of this version")
        }
        try Self.clear(folder, "name a folder that is new or empty")
        try Self.make(folder)
        var instances: [Instance] = []
        for name in names {
            let (source, target) = ("\(dataDir)/\(name)", "\(folder)/\(name)")
            try Self.make(name, in: folder)
            do {
                if Self.hasState(source) {
                    try StateCopy.make(of: "\(source)/\(Self.state)", in: "\(target)/\(Self.state)")
                }
                instances.append(Instance(name: name, log: try LogCopy.make(of: source + "/log", in: target + "/log")))
            } catch let error as LogError {
                throw StageFailure(.io, "backup_failed: \(name): \(error)")
            } catch {
                throw StageFailure(.io, "backup_failed: \(name): \(EventLogError(error))")
            }
            said(instances[instances.count - 1])
        }
        (self.folder, self.instances) = (folder, instances)
        try Self.write(json.text, to: "\(folder)/\(Self.manifest)")
    }

    var json: JSONText {
        .object([
            ("version", .number(Self.version)), ("tributary", .string(TributaryVersion.current)),
            ("ended_at", .string(RFC3339.text(wallNanoseconds(), digits: 3))),
            ("instances", .array(instances.map(\.json))),
        ])
    }

    /// Puts a backup where `dataDir` is missing or empty; all of it or nothing. Every log goes on under a new id: what it
    /// gives out from now on has a name that nothing else has.
    static func restore(_ folder: String, to dataDir: String) throws(StageFailure) -> [Instance] {
        let names = try readManifest(folder)
        let building = dataDir + ".restoring"
        try clear(
            dataDir,
            "a backup is restored where nothing is, so that no two things have one name. End the pipeline, move the folder "
                + "away, and try again")
        do {
            if FileManager.default.fileExists(atPath: building) { try FileManager.default.removeItem(atPath: building) }
            try make(building)
            for name in names {
                try make(name, in: building)
                for each in hasState("\(folder)/\(name)") ? [state, "log"] : ["log"] {
                    try FileManager.default.copyItem(
                        atPath: "\(folder)/\(name)/\(each)", toPath: "\(building)/\(name)/\(each)")
                }
            }
            let restored = try takeNewIDs(in: building, names)
            sync()
            guard rename(building, dataDir) == 0 else { throw FileAccess.failure(dataDir, errno) }
            return restored
        } catch let error as StageFailure {
            throw error
        } catch {
            throw StageFailure(.io, "restore_failed: \(error)")
        }
    }

    private static func takeNewIDs(in folder: String, _ names: [String]) throws -> [Instance] {
        var watermarks: [JournalID: UInt64]?
        // Last in the order of copying: what the router has is not sent to it again.
        for name in names where hasState("\(folder)/\(name)") {
            let log = try SegmentEventLog(settings: EventLogSettings(path: "\(folder)/\(name)/\(state)"))
            watermarks = (watermarks ?? [:]).merging(try log.watermarks()) { max($0, $1) }
            try log.takeNewID()
            log.close()
        }
        // Without an event log the router of another host finds out what it has.
        for name in names where watermarks != nil && !hasState("\(folder)/\(name)") {
            let log = try SegmentLog(
                "\(folder)/\(name)/log", SegmentLog.Options(budgetBytes: 1 << 20, recordBytes: 64 << 10))
            try log.trim(below: (watermarks?[log.id] ?? 0) + 1)
            try log.takeNewID(.random())
            try log.close()
        }
        return try names.map { Instance(name: $0, log: try LogCheck("\(folder)/\($0)/log")) }
    }

    private static func readManifest(_ folder: String) throws(StageFailure) -> [String] {
        let path = "\(folder)/\(manifest)"
        try FileAccess.check(path)
        let content = FileManager.default.contents(atPath: path).map { Array($0) } ?? []
        guard let value = JSONValue.read(content), value["version"].integer == version else {
            throw StageFailure(.configuration, "\(path) is not that of a backup that this version can restore")
        }
        let names = value["instances"].elements.map { $0["name"].text }
        // They become part of paths.
        guard !names.isEmpty, names.allSatisfy(isName) else {
            throw StageFailure(.configuration, "\(path) names no instances")
        }
        return names
    }

    /// Journals first, each in the order of its name. With several routers an ingress has one for each, in a folder below
    /// its own.
    private static func instances(in dataDir: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: dataDir)?.compactMap { entry -> String? in
            guard let path = entry as? String, path.hasSuffix("/log/superblock") else { return nil }
            return String(path.dropLast("/log/superblock".count))
        }
        let found = (names ?? []).sorted()
        return found.filter { !hasState("\(dataDir)/\($0)") } + found.filter { hasState("\(dataDir)/\($0)") }
    }

    private static func isName(_ name: String) -> Bool {
        name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") }
    }

    private static func hasState(_ folder: String) -> Bool { access("\(folder)/\(state)", F_OK) == 0 }

    /// Afterwards nothing is there. Throws with advice where the folder is not empty.
    private static func clear(_ folder: String, _ advice: String) throws(StageFailure) {
        guard rmdir(folder) == 0 || errno == ENOENT else {
            throw StageFailure(.configuration, "\(folder) holds something: \(advice)")
        }
    }

    private static func make(_ folder: String) throws(StageFailure) {
        guard mkdir(folder, 0o700) == 0 else { throw FileAccess.failure(folder, errno) }
    }

    /// Makes the folder of an instance below `folder`, and those between.
    private static func make(_ name: String, in folder: String) throws(StageFailure) {
        var path = folder
        for part in name.split(separator: "/") {
            path += "/\(part)"
            if access(path, F_OK) != 0 { try make(path) }
        }
    }

    private static func write(_ text: String, to path: String) throws(StageFailure) {
        guard FileManager.default.createFile(atPath: path, contents: Data((text + "\n").utf8)) else {
            throw FileAccess.failure(path, errno)
        }
        sync()
    }
}
