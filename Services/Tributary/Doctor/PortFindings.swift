import Executable
import Glibc
import PipelineConfiguration
import StageMetrics

/// The addresses that are configured to be listened on: free while nothing runs, the pipeline's own while it does.
enum PortFindings {
    /// `pids`: the pipeline's processes; none while nothing runs.
    static func of(_ configuration: TributaryConfiguration, pids: Set<Int32>) -> [Finding] {
        let (running, placement) = (Set(Stage.instances(in: configuration.runDir)), Placement(configuration))
        let own = configuration.listeners.filter { $0.instance.map(placement.has) ?? placement.has($0.stage) }
        let links = placement.listeners.map { ("topology.instances", Optional($0.instance), $0.address) }
        return (own.map { ($0.key, $0.instance, $0.address) } + links).map { key, instance, address in
            let owner = instance.map { " of \($0)" } ?? ""
            let mustListen = !pids.isEmpty && instance.map(running.contains) ?? true
            let (severity, what) = state(of: address, mustListen: mustListen, pids: pids)
            return Finding(severity, key, "\(address)\(owner) \(what)", code: .port)
        }
    }

    private static func state(
        of address: ListenAddress, mustListen: Bool, pids: Set<Int32>
    ) -> (Finding.Severity, String) {
        switch bindingError(address) {
        case 0: return mustListen ? (.error, "is listened on by nobody") : (.fine, "is free")
        case EADDRINUSE:
            let holders = holders(of: address.port)
            // A stage's descriptors are nobody's to look at but root's.
            if mustListen, holders.isEmpty || !pids.isDisjoint(with: holders) { return (.fine, "is listened on") }
            guard let pid = holders.first else {
                return (.error, "is taken by a process that this user may not look into")
            }
            let command = ProcessMetrics.text(of: "/proc/\(pid)/comm")
            return (.error, "is taken by process \(pid) (\(command.trimmed))")
        case let number: return (.error, "cannot be listened on: \(String(cString: strerror(number)))")
        }
    }

    /// 0 where the address can be bound to; nothing listens afterwards.
    static func bindingError(_ address: ListenAddress) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, String(address.port), &hints, &list) == 0, let first = list else {
            return EADDRNOTAVAIL
        }
        defer { freeaddrinfo(first) }
        let descriptor = socket(first.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        return bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 ? 0 : errno
    }

    /// The processes that have a listening socket of that port open, as far as this user may see (proc(5)).
    private static func holders(of port: Int) -> [Int32] {
        let listening = "0A"
        var sockets: Set<String> = []
        for table in ["tcp", "tcp6"] {
            let text = ProcessMetrics.text(of: "/proc/net/\(table)")
            for line in text.split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                guard fields.count > 9, fields[3] == listening, let digits = fields[1].split(separator: ":").last,
                    Int(digits, radix: 16) == port
                else { continue }
                sockets.insert("socket:[\(fields[9])]")
            }
        }
        return DirectoryNames.read("/proc").compactMap { Int32($0) }.filter { pid in
            DirectoryNames.read("/proc/\(pid)/fd").contains { descriptor in
                var target = [CChar](repeating: 0, count: 64)
                let count = readlink("/proc/\(pid)/fd/\(descriptor)", &target, target.count)
                let link = String(decoding: target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                return sockets.contains(link)
            }
        }
    }
}
