import Glibc

/// What the kernel says of a process. Figures that cannot be read are 0.
package struct ProcessMetrics: Sendable {
    /// User and system time.
    package var cpuSeconds = 0.0
    package var residentBytes = 0.0
    var openDescriptors = 0.0
    /// Since 1970, by the wall clock as it was when the process started.
    package var startSeconds = 0.0

    /// Reads `stat` (fields numbered as in proc(5)) and `fd` of /proc/PID, and the boot time of /proc/stat.
    package static func read(_ process: String = "self") -> ProcessMetrics {
        var metrics = ProcessMetrics()
        let stat = text(of: "/proc/\(process)/stat")
        guard !stat.isEmpty else { return metrics }
        // The second field is the command in brackets and may hold blanks; the third follows the last bracket.
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        func field(_ number: Int) -> Double {
            fields.indices.contains(number - 3) ? Double(fields[number - 3]) ?? 0 : 0
        }
        let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        metrics.cpuSeconds = (field(14) + field(15)) / ticksPerSecond
        metrics.residentBytes = field(24) * Double(sysconf(Int32(_SC_PAGESIZE)))
        metrics.startSeconds = bootSeconds + field(22) / ticksPerSecond
        metrics.openDescriptors = Double(countDescriptors(process))
        return metrics
    }

    /// The standard metrics of a process.
    func families(_ labels: [(String, String)]) -> [MetricFamily] {
        [
            Self.family(
                "process_cpu_seconds_total", .counter, "User and system CPU time used, in seconds.", labels, cpuSeconds),
            Self.family(
                "process_resident_memory_bytes", .gauge, "Resident memory, in bytes.", labels, residentBytes),
            Self.family("process_open_fds", .gauge, "Open file descriptors.", labels, openDescriptors),
            Self.family(
                "process_start_time_seconds", .gauge, "Start of the process, in seconds since 1970.", labels,
                startSeconds),
        ]
    }

    private static func family(
        _ name: String, _ kind: MetricKind, _ help: String, _ labels: [(String, String)], _ value: Double
    ) -> MetricFamily {
        var family = MetricFamily(name: name, kind: kind, help: help)
        family.series.append(.init(pairs: labels, value: .reading { value }))
        return family
    }

    private static let bootSeconds: Double = {
        let line = text(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) } ?? 0
    }()

    private static func countDescriptors(_ process: String) -> Int {
        guard let folder = opendir("/proc/\(process)/fd") else { return 0 }
        defer { closedir(folder) }
        var entries = 0
        while readdir(folder) != nil { entries += 1 }
        // Not counted: "." and ".." and, of this process, the descriptor of this very reading.
        return max(0, entries - (process == "self" ? 3 : 2))
    }

    /// A file of proc(5), read to its end: each of its pages is a reading of its own. Empty where it cannot be read.
    package static func text(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
