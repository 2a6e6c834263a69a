import Executable
import Glibc
import JSON
import PipelineConfiguration
import StageMetrics
import Threads

/// The wall clock: whether somebody keeps it, and whether it was set under a running stage.
enum ClockFindings {
    static var isKept: Bool { Machine.keepsClock }

    /// `jumps`: how far it was set since each instance started, in seconds.
    static func of(isKept: Bool, jumps: [(instance: String, seconds: Double)]) -> [Finding] {
        let kept = Finding(
            isKept ? .fine : .warning, "",
            isKept
                ? "the kernel says that the clock is kept" : "the kernel says that nobody keeps the clock (adjtimex)",
            code: .clock)
        return [kept]
            + jumps.filter { $0.seconds.magnitude >= 1 }.map { jump in
                let way = "\(jump.seconds > 0 ? "forward" : "back") by \(CellText.duration(jump.seconds.magnitude))"
                return Finding(
                    .warning, "", "the clock was set \(way) since \(jump.instance) started", code: .clock)
            }
    }
}

/// How many files a stage may have open against the connections that are configured.
enum DescriptorFindings {
    /// Bus, journal, log and admin endpoint, as the stages reserve them.
    private static let reserved = 256

    static func of(_ configuration: TributaryConfiguration, _ rows: [JSONValue]) -> [Finding] {
        let placement = Placement(configuration)
        let deliveries = configuration.subscriptions.reduce(0) { $0 + $1.concurrency }
        let needs: [(stage: Stage, key: String, connections: Int)] = [
            (.ingressGateway, "ingress.max_connections", configuration.ingress.maxConnections),
            (.fanoutRouter, "router.push.max_connections", configuration.router.push.maxConnections + deliveries),
        ]
        return needs.filter { placement.has($0.stage) }.flatMap { need in
            let running = rows.filter { $0["stage"].text == need.stage.rawValue && $0["pid"] != .null }
            let limits =
                running.isEmpty
                ? [("a process of this shell", limit(of: "self", isHard: true))]
                : running.map { ($0["instance"].text, limit(of: $0["pid"].text, isHard: false)) }
            return limits.compactMap { who, limit in
                limit.map { finding(who, need.key, limit: $0, needed: need.connections + reserved) }
            }
        }
    }

    static func finding(_ who: String, _ key: String, limit: Int, needed: Int) -> Finding {
        Finding(
            limit < needed ? .warning : .fine, key, "\(who) may open \(limit) files, and \(needed) may be needed",
            code: .descriptors)
    }

    /// RLIMIT_NOFILE of a process by proc(5); stages raise the soft limit to the hard one. Nil where it cannot be read.
    private static func limit(of process: String, isHard: Bool) -> Int? {
        let lines = ProcessMetrics.text(of: "/proc/\(process)/limits").split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("Max open files") }) else { return nil }
        let numbers = line.dropFirst("Max open files".count).split(separator: " ")
        return numbers.count < 2 ? nil : Int(numbers[isHard ? 1 : 0])
    }
}
