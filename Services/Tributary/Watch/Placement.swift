import Executable
import Glibc
import JSON
import PipelineConfiguration
import StageMetrics
import Wire

/// Which instances of a `topology` belong to this host: those whose address it has, and a router, which has none, where it
/// runs, has its log or, being the only one, its key. Without a topology all that there is belongs here.
struct Placement {
    /// One entry of the topology; an ingress has one for each of several routers.
    struct Entry {
        let name: String
        let stage: Stage
        /// What it is started as.
        let instance: String
        let isHere: Bool
        let out: ListenAddress?
        let control: ListenAddress?

        var addresses: [ListenAddress] { [out, control].compactMap(\.self) }
    }

    /// Nil without a topology.
    private let entries: [Entry]?
    private let routers: Int
    /// Whether a router could be started here: its key is, or none is needed.
    private let hasRouterKey: Bool

    init(_ configuration: TributaryConfiguration) {
        let routers = configuration.router.instances
        let running = Set(Stage.instances(in: configuration.runDir))
        let key = configuration.topology?.keys(of: .router)?.secretKey
        let hasKey = key.map { (try? $0.resolve()) != nil }
        (self.routers, hasRouterKey) = (routers, hasKey ?? true)
        entries = configuration.topology?.instances.compactMap { entry -> Entry? in
            guard let stage = Stage.allCases.first(where: { entry.name.hasPrefix($0.rawValue + "-") }) else {
                return nil
            }
            let isDivided = routers > 1 && stage.role == .ingress
            let instance = entry.name.lastIndex(of: "-").flatMap { isDivided ? String(entry.name[..<$0]) : nil }
            let name = instance ?? entry.name
            let isHere =
                entry.out.map { PortFindings.bindingError(ListenAddress(host: $0.host, port: 0)) == 0 }
                ?? (running.contains(name) || access("\(configuration.dataDir)/\(name)", F_OK) == 0
                    || routers == 1 && hasKey == true)
            return Entry(
                name: entry.name, stage: stage, instance: name, isHere: isHere, out: entry.out, control: entry.control)
        }
    }

    /// Whether instances of a stage belong here; a router that was never started does where its key is.
    func has(_ stage: Stage) -> Bool {
        guard let entries else { return true }
        return entries.contains { $0.stage == stage && $0.isHere }
            || stage == .fanoutRouter && hasRouterKey
    }

    func has(_ instance: String) -> Bool {
        entries?.contains { $0.instance == instance && $0.isHere } ?? true
    }

    /// How many instances of a stage belong here; `without`: a topology.
    func count(_ stage: Stage, without count: Int) -> Int {
        guard let entries else { return count }
        return Set(entries.filter { $0.stage == stage && $0.isHere }.map(\.instance)).count
    }

    /// The sockets of this host's instances.
    var listeners: [(instance: String, address: ListenAddress)] {
        (entries ?? []).filter(\.isHere).flatMap { entry in entry.addresses.map { (entry.instance, $0) } }
    }

    /// The sockets on other hosts that this host's instances connect to.
    var links: [(name: String, address: ListenAddress)] {
        let entries = entries ?? []
        func isNeeded(_ other: Entry, by role: (StageRole) -> Bool) -> Bool {
            entries.contains { own in
                own.isHere && role(own.stage.role)
                    && (StageRole.number(of: own.name) - StageRole.number(of: other.name)).isMultiple(of: routers)
            }
        }
        return entries.filter { !$0.isHere }.flatMap { other in
            let out = other.out.flatMap { isNeeded(other, by: { $0.upstream == other.stage.role }) ? $0 : nil }
            let control = other.control.flatMap { isNeeded(other, by: { $0 != .ingress }) ? $0 : nil }
            return [out, control].compactMap(\.self).map { (other.name, $0) }
        }
    }

    /// The instances on other hosts, but for entries of these names.
    func others(besides names: Set<String>) -> [String] {
        var seen: Set<String> = []
        return (entries ?? []).filter { !$0.isHere && !names.contains($0.name) && seen.insert($0.instance).inserted }
            .map(\.instance)
    }

    /// Rows of the status for those that `names`, which have a row, lack: what belongs here and does not run, and what is on
    /// other hosts.
    func rows(beside names: Set<String>) -> [JSONValue] {
        var seen = names
        return (entries ?? []).compactMap { entry in
            guard seen.insert(entry.instance).inserted else { return nil }
            let address = entry.addresses.first?.description
            let reason = address.map { "\($0) is an address of this host" } ?? "its log or key is here"
            let why = entry.isHere ? reason : nil
            return JSONValue.read(
                JSONText.object([
                    ("stage", .string(entry.stage.rawValue)), ("instance", .string(entry.instance)), ("pid", .null),
                    ("state", .string(entry.isHere ? "stopped" : "elsewhere")),
                    ("address", .optional(address, JSONText.string)), ("uptime_seconds", .null),
                    ("restarts", .null), ("last_end", .null), ("why", .optional(why, JSONText.string)),
                ]).bytes)
        }
    }

    /// What a table shows as the state of an instance.
    static func state(_ row: JSONValue) -> String {
        let (state, address) = (row["state"].text, row["address"])
        return isElsewhere(row) && address != .null ? "\(state): \(address.text)" : state
    }

    static func isElsewhere(_ row: JSONValue) -> Bool { row["state"].text == "elsewhere" }
}
