import FreePorts
import Glibc

/// A pipeline of real processes under `scripts/supervisor`, in a folder of its own, with a subscriber.
final class Pipeline {
    let folder: String
    let port: UInt16
    let subscriber: Subscriber
    let settings: PipelineSettings
    private var mounts: [String] = []

    var configuration: String { "\(folder)/tributary.yaml" }
    var run: String { "\(folder)/run" }
    var storage: String { "\(folder)/data" }

    /// Writes the configuration; nothing runs yet.
    init(_ settings: PipelineSettings = PipelineSettings()) throws {
        self.settings = settings
        // Short, because a Unix socket's path may have 107 bytes.
        var template = Array("/tmp/tributary-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure("no temporary folder: \(String(cString: strerror(errno)))")
        }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        subscriber = try Subscriber(
            subscriptions: settings.subscriptions + settings.furtherSubscriptions, keepsBodies: settings.keepsBodies)
        port = FreePorts.next()
        try Files.write(settings.yaml(ingressPort: port, subscriberPort: subscriber.port), to: configuration)
    }

    /// Runs `body` with a pipeline that is up, and takes everything down afterwards. When the body throws, the ends of
    /// the logs are printed.
    static func with(_ settings: PipelineSettings = PipelineSettings(), _ body: (Pipeline) throws -> Void) throws {
        let pipeline = try Pipeline(settings)
        defer { pipeline.remove() }
        do {
            try pipeline.up()
            try body(pipeline)
            try pipeline.down()
        } catch {
            pipeline.printLogs()
            throw error
        }
    }

    // MARK: the supervisor's commands

    func up() throws { try supervisor("up", "-d") }

    func down() throws { try supervisor("down") }

    func scale(_ stage: String, to count: Int) throws { try supervisor("scale", stage, String(count)) }

    /// Runs one command of the supervisor; throws what it says when it fails.
    @discardableResult func supervisor(_ arguments: String...) throws -> String {
        let result = try runSupervisor(arguments)
        guard result.status == 0 else {
            throw Failure("supervisor \(arguments) ended with \(result.status): \(result.output) \(result.errors)")
        }
        return result.output
    }

    /// The same for a command that may fail.
    func trySupervisor(_ arguments: String...) throws -> CommandResult { try runSupervisor(arguments) }

    private func runSupervisor(_ arguments: [String]) throws -> CommandResult {
        try ChildProcess.run(
            [Executables.supervisor, "--config", configuration] + arguments,
            environment: settings.environment.merging(["TRIBUTARY_BIN": Executables.folder]) { own, _ in own },
            in: folder)
    }

    /// Runs `tributary` or `bus-tap` on this pipeline's configuration.
    func command(_ arguments: String...) throws -> CommandResult {
        try ChildProcess.run(
            [Executables.path(arguments[0])] + arguments.dropFirst() + ["--config", configuration], in: folder)
    }

    // MARK: processes

    /// The process of an instance, by its pid file; nil while there is none.
    func pid(_ instance: String) -> pid_t? {
        let fields = Files.text("\(run)/\(instance).pid").split(separator: " ")
        guard let pid = fields.first.flatMap({ pid_t($0) }), kill(pid, 0) == 0 else { return nil }
        return pid
    }

    /// Sends a signal to an instance; false while it has no process.
    @discardableResult func signal(_ instance: String, _ number: Int32) -> Bool {
        pid(instance).map { kill($0, number) == 0 } ?? false
    }

    /// Kills the supervisor and then the stages, so that nobody starts them again.
    func killSupervisor() throws {
        let pid = pid_t(Files.text("\(run)/supervisor.pid").split(separator: "\n").first ?? "") ?? 0
        guard pid > 1, kill(pid, SIGKILL) == 0 else { throw Failure("there is no supervisor to kill") }
        try waitUntil("the killed supervisor is gone") { !Self.isAlive(pid) }
    }

    /// All processes that run with this pipeline's configuration, or with the supervisor's copy of it: pid and instance.
    func processes() -> [(pid: pid_t, instance: String)] {
        let configurations = [configuration, "\(run)/accepted.yaml"]
        return Files.names(in: "/proc").compactMap { name in
            guard let pid = pid_t(name), Self.isAlive(pid) else { return nil }
            let arguments = Files.text("/proc/\(name)/cmdline").split(separator: "\0").map(String.init)
            guard arguments.contains(where: configurations.contains),
                let place = arguments.firstIndex(of: "--instance"), place + 1 < arguments.count
            else { return nil }
            return (pid, arguments[place + 1])
        }
    }

    /// Whether there is such a process, a zombie not counted.
    static func isAlive(_ pid: pid_t) -> Bool {
        let stat = Files.text("/proc/\(pid)/stat")
        guard let end = stat.lastIndex(of: ")") else { return false }
        return !["Z", "X"].contains(stat[stat.index(end, offsetBy: 2)...].prefix(1))
    }

    /// The CPU time that an instance used so far.
    func cpuSeconds(_ instance: String) -> Double {
        guard let pid = pid(instance) else { return 0 }
        let stat = Files.text("/proc/\(pid)/stat")
        guard let end = stat.lastIndex(of: ")") else { return 0 }
        let fields = stat[end...].split(separator: " ")
        return Double((Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Resident memory of an instance.
    func residentBytes(_ instance: String) -> Int {
        guard let pid = pid(instance) else { return 0 }
        let pages = Files.text("/proc/\(pid)/statm").split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4096
    }

    // MARK: folders

    /// Whether this process may mount file systems.
    static let canMountSmallDisks: Bool = {
        guard let pipeline = try? Pipeline() else { return false }
        defer { pipeline.remove() }
        return (try? pipeline.mountSmallDisk(for: "probe", sizeBytes: 1 << 20)) != nil
    }()

    /// Puts a small file system where an instance keeps its data.
    func mountSmallDisk(for instance: String, sizeBytes: Int) throws {
        let path = "\(storage)/\(instance)"
        mkdir(storage, 0o700)
        mkdir(path, 0o700)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(sizeBytes),mode=0700") == 0 else {
            throw Failure("no small file system: \(String(cString: strerror(errno)))")
        }
        mounts.append(path)
    }

    func log(_ instance: String) -> String { Files.text("\(run)/\(instance).log") }

    func printLogs() {
        for name in Files.names(in: run) where name.hasSuffix(".log") {
            let lines = Files.text("\(run)/\(name)").split(separator: "\n").suffix(12)
            print("    -- \(folder)/run/\(name)")
            for line in lines { print("       \(line.prefix(400))") }
        }
    }

    /// Kills whatever is left and removes the folder, unless TRIBUTARY_KEEP is set.
    func remove() {
        try? killSupervisor()
        for process in processes() { kill(process.pid, SIGKILL) }
        subscriber.stop()
        for path in mounts { umount2(path, Int32(MNT_DETACH)) }
        if getenv("TRIBUTARY_KEEP") == nil { _ = try? ChildProcess.run(["rm", "-rf", folder], in: "/tmp") }
    }
}
