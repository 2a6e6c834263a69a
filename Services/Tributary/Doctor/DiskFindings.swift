import Executable
import Foundation
import Glibc
import PipelineConfiguration
import StageMetrics
import Threads

/// The disk below `data_dir`: how fast it is, whether it is one, and whether what is configured fits.
enum DiskFindings {
    private static let flushes = 32
    private static let flushBytes = 4096
    /// Acknowledgements then take as long, and a commit carries what came in meanwhile.
    private static let slowSeconds = 0.010
    /// Less, and journal and log cannot take their next segment.
    private static let leastFreeBytes = 256 << 20

    static func of(_ configuration: TributaryConfiguration) -> [Finding] {
        let folder = nearestFolder(configuration.dataDir)
        var found = [speed(of: folder)]
        if Machine.liesInMemory(folder) {
            found.append(Finding(.warning, "data_dir", "\(folder) lies in memory (tmpfs)", code: .durability))
        }
        var space = statvfs()
        guard statvfs(folder, &space) == 0 else { return found }
        let budgets = budgetBytes(configuration)
        let used = usedBytes(below: configuration.dataDir)
        found.append(
            self.space(
                in: folder, free: Int(clamping: UInt64(space.f_bavail) * UInt64(space.f_frsize)),
                needed: max(0, budgets - used)))
        return found
    }

    /// The directory itself, or the nearest above it that is there.
    static func nearestFolder(_ path: String) -> String {
        var nearest = path
        while access(nearest, F_OK) != 0, let slash = nearest.lastIndex(of: "/"), nearest != "/" {
            nearest = slash == nearest.startIndex ? "/" : String(nearest[..<slash])
        }
        return nearest
    }

    private static func speed(of folder: String) -> Finding {
        do throws(StageFailure) {
            return speed(of: folder, try flushSeconds(in: folder))
        } catch {
            return Finding(.error, "data_dir", "nothing can be written: \(error.sentence)", code: .directory)
        }
    }

    static func speed(of folder: String, _ seconds: [Double]) -> Finding {
        let sorted = seconds.sorted()
        let median = sorted[sorted.count / 2]
        let text =
            "a flush of 4 KiB in \(folder) takes \(CellText.duration(median)) (median of \(sorted.count)), "
            + "\(CellText.duration(sorted.last)) at worst"
        return Finding(median > slowSeconds ? .warning : .fine, "data_dir", text, code: .flush)
    }

    /// How long each of some flushes takes, as a journal makes them: of a block of a preallocated file, which is gone
    /// afterwards.
    static func flushSeconds(in folder: String) throws(StageFailure) -> [Double] {
        var path = Array("\(folder)/.tributary-doctor-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        guard file >= 0 else { throw FileAccess.failure(folder, errno) }
        unlink(path)
        defer { close(file) }
        let block = [UInt8](repeating: 0x5A, count: flushBytes)
        func write(_ place: Int) -> Bool {
            pwrite(file, block, block.count, place * flushBytes) == block.count && fdatasync(file) == 0
        }
        for place in 0..<flushes where pwrite(file, block, block.count, place * flushBytes) != block.count {
            throw FileAccess.failure(folder, errno)
        }
        // The first one carries the metadata.
        guard write(0) else { throw FileAccess.failure(folder, errno) }
        var seconds: [Double] = []
        for place in 0..<flushes {
            let started = monotonicNanoseconds()
            guard write(place) else { throw FileAccess.failure(folder, errno) }
            seconds.append(Double(monotonicNanoseconds() - started) / 1e9)
        }
        return seconds
    }

    static func space(in folder: String, free: Int, needed: Int) -> Finding {
        let text = "\(folder) has \(size(free)) free; what is configured may take \(size(needed)) more"
        let severity: Finding.Severity = free < leastFreeBytes ? .error : free < needed ? .warning : .fine
        return Finding(severity, "data_dir", text, code: .space)
    }

    private static func size(_ bytes: Int) -> String {
        bytes < 10 << 30 ? "\(bytes >> 20) MiB" : "\(bytes >> 30) GiB"
    }

    /// What journals, event log and quarantine may take; segments beyond the event log's budget are in it.
    static func budgetBytes(_ configuration: TributaryConfiguration) -> Int {
        let (ingress, router, placement) = (configuration.ingress, configuration.router, Placement(configuration))
        let connectors = configuration.connectors.isEmpty ? 0 : configuration.connector.instances
        let fronts =
            placement.count(.ingressGateway, without: ingress.instances)
            + placement.count(.ingressConnector, without: connectors)
        let log = router.eventLogBudgetBytes + 5 * (64 << 20) + router.quarantine.totalBytes
        return router.instances * fronts * ingress.diskBudgetBytes
            + placement.count(.fanoutRouter, without: router.instances) * log
    }

    private static func usedBytes(below folder: String) -> Int {
        let files = FileManager.default.enumerator(atPath: folder)
        var sum = 0
        while let name = files?.nextObject() as? String {
            var status = stat()
            if lstat("\(folder)/\(name)", &status) == 0 { sum += Int(status.st_blocks) * 512 }
        }
        return sum
    }
}

/// Files of an instance that are another user's than its folder, as they are after one start by root.
enum OwnerFindings {
    static func of(_ dataDir: String) -> [Finding] {
        for instance in DirectoryNames.read(dataDir).sorted() where !instance.hasPrefix(".") {
            let folder = "\(dataDir)/\(instance)"
            var owner = stat()
            guard lstat(folder, &owner) == 0, owner.st_mode & S_IFMT == S_IFDIR else { continue }
            let files = FileManager.default.enumerator(atPath: folder)
            while let name = files?.nextObject() as? String {
                var status = stat()
                guard lstat("\(folder)/\(name)", &status) == 0, status.st_uid != owner.st_uid else { continue }
                return [
                    Finding(
                        .error, "data_dir",
                        "\(folder)/\(name) belongs to user \(status.st_uid), its folder to user \(owner.st_uid)",
                        code: .owner)
                ]
            }
        }
        return [Finding(.fine, "data_dir", "what lies in \(dataDir) belongs to its folders' owners", code: .owner)]
    }
}
