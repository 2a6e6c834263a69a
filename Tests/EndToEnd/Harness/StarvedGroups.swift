import Glibc

/// Control groups that give each process a small share of one core.
final class StarvedGroups {
    private var folders: [String] = []
    private let home: String

    private init(home: String) {
        self.home = home
    }

    /// Whether cgroup v1 (cpu.cfs_quota_us) or v2 (cpu.max) can be had here.
    static let canBeMade: Bool = {
        let groups = try? make(count: 1, share: 0.5)
        groups?.remove()
        return groups != nil
    }()

    /// Groups with so much of a core each, in cgroup v1 or v2; nil where neither can be had.
    static func make(count: Int, share: Double) throws -> StarvedGroups? {
        let periodMicros = 100_000
        let quotaMicros = Int(share * Double(periodMicros))
        let versions = [
            ("/sys/fs/cgroup/cpu", ["cpu.cfs_period_us": "\(periodMicros)", "cpu.cfs_quota_us": "\(quotaMicros)"]),
            ("/sys/fs/cgroup", ["cpu.max": "\(quotaMicros) \(periodMicros)"]),
        ]
        for (home, settings) in versions {
            let groups = StarvedGroups(home: home)
            for number in 0..<count {
                let folder = "\(home)/tributary-\(getpid())-\(number)"
                guard mkdir(folder, 0o755) == 0 else { break }
                groups.folders.append(folder)
                for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
                    guard access("\(folder)/\(name)", W_OK) == 0 else { break }
                    try? Files.write(value, to: "\(folder)/\(name)")
                }
            }
            let isLimited =
                groups.folders.count == count
                && groups.folders.allSatisfy { folder in
                    settings.allSatisfy { Files.text("\(folder)/\($0.key)").hasPrefix($0.value) }
                }
            if isLimited { return groups }
            groups.remove()
        }
        return nil
    }

    /// Moves a process into a group.
    func add(_ pid: pid_t, to number: Int) throws {
        try Files.write("\(pid)", to: "\(folders[number])/cgroup.procs")
    }

    /// Moves all processes back to where they may use what they need, and removes the groups.
    func remove() {
        for folder in folders {
            for pid in Files.text("\(folder)/cgroup.procs").split(separator: "\n") {
                try? Files.write(String(pid), to: "\(home)/cgroup.procs")
            }
            rmdir(folder)
        }
        folders = []
    }
}
