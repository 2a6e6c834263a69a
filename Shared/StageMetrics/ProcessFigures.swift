import Glibc

extension MetricText {
    /// Appends the standard metrics of the running process, read from /proc/self at this moment.
    mutating func appendProcess(labels: String) {
        let figures = ProcessFigures.read()
        appendOne(
            "process_cpu_seconds_total", .counter, "User and system CPU time used, in seconds.", labels,
            figures.cpuSeconds)
        appendOne(
            "process_resident_memory_bytes", .gauge, "Resident memory, in bytes.", labels, figures.residentBytes)
        appendOne("process_open_fds", .gauge, "Open file descriptors.", labels, figures.openDescriptors)
        appendOne(
            "process_start_time_seconds", .gauge, "Start of the process, in seconds since 1970.", labels,
            figures.startSeconds)
    }

    private mutating func appendOne(
        _ name: String, _ kind: MetricKind, _ help: String, _ labels: String, _ value: Double
    ) {
        appendHead(name, kind, help)
        appendSample(name, labels, Self.number(value))
    }
}

/// What the kernel says of this process. Figures that cannot be read are 0.
struct ProcessFigures {
    var cpuSeconds = 0.0
    var residentBytes = 0.0
    var openDescriptors = 0.0
    var startSeconds = 0.0

    /// Reads /proc/self/stat (fields numbered as in proc(5)), /proc/self/fd and the boot time of /proc/stat.
    static func read() -> ProcessFigures {
        var figures = ProcessFigures()
        let stat = text(of: "/proc/self/stat")
        // The second field is the command in brackets and may hold blanks; the third follows the last bracket.
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        func field(_ number: Int) -> Double {
            fields.indices.contains(number - 3) ? Double(fields[number - 3]) ?? 0 : 0
        }
        let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        figures.cpuSeconds = (field(14) + field(15)) / ticksPerSecond
        figures.residentBytes = field(24) * Double(sysconf(Int32(_SC_PAGESIZE)))
        figures.startSeconds = bootSeconds + field(22) / ticksPerSecond
        figures.openDescriptors = Double(countDescriptors())
        return figures
    }

    private static let bootSeconds: Double = {
        let line = text(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) } ?? 0
    }()

    private static func countDescriptors() -> Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var entries = 0
        while readdir(folder) != nil { entries += 1 }
        // Not counted: "." and ".." and the descriptor of this very reading.
        return max(0, entries - 3)
    }

    private static func text(of path: String) -> String {
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
