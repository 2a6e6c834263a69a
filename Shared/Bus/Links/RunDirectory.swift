internal import Glibc
package import Wire

/// Where the sockets of a deployment live, and what they are called.
package struct RunDirectory: Sendable {
    package let path: String
    /// Where they live instead when stages run on several hosts; taps are in the directory all the same.
    let topology: Topology?
    /// Which of several routers whoever looks around here works for; nil: there is one, for everybody.
    let partition: Partition?

    /// One router of several with the instances that work for it alone: those whose number has its remainder.
    package struct Partition: Sendable {
        let router: Int
        let count: Int

        /// That of an instance; nil where there is but one router.
        package init?(of instance: String, count: Int) {
            guard count > 1 else { return nil }
            (router, self.count) = (StageRole.number(of: instance) % count, count)
        }
    }

    package init(path: String, topology: Topology? = nil, partition: Partition? = nil) {
        (self.path, self.topology, self.partition) = (path, topology, partition)
    }

    package enum SocketName: String, Sendable, CaseIterable {
        case out, control, tap
    }

    package func endpoint(_ instance: String, _ name: SocketName) -> String {
        if let address = topology?.addresses[instance]?[name] { return "tcp://\(address)" }
        return "ipc://\(path)/\(instance).\(name.rawValue)"
    }

    /// Where the instance itself listens. A name means whatever address this host has.
    func listeningEndpoint(_ instance: String, _ name: SocketName) -> String {
        guard let address = topology?.addresses[instance]?[name], address.contains(where: \.isLetter),
            let colon = address.lastIndex(of: ":")
        else { return endpoint(instance, name) }
        return "tcp://*\(address[colon...])"
    }

    /// Takes an instance's sockets away when it ends in order, so that nobody goes on trying to reach it. The caller holds
    /// the instance's lock.
    func removeSockets(of instance: String) {
        for name in SocketName.allCases { unlink("\(path)/\(instance).\(name.rawValue)") }
    }

    /// The instances of a role that have bound that socket, dead ones included, or that a topology names, as far as they
    /// work for the same router. Instances are named `<executable>-<…>`; a connector is an ingress here.
    package func instances(of role: StageRole, with name: SocketName) -> Set<String> {
        let all = allInstances(of: role, with: name)
        guard let partition else { return all }
        return all.filter { StageRole.number(of: $0) % partition.count == partition.router }
    }

    private func allInstances(of role: StageRole, with name: SocketName) -> Set<String> {
        let prefixes = [role.description + "-"] + (role == .ingress ? ["ingress-connector-"] : [])
        if let topology, name != .tap {
            let listening = topology.addresses.filter { $0.value[name] != nil }.keys
            return Set(listening.filter { instance in prefixes.contains(where: instance.hasPrefix) })
        }
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        let suffix = "." + name.rawValue
        var found: Set<String> = []
        while let entry = readdir(directory) {
            let file = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if prefixes.contains(where: file.hasPrefix), file.hasSuffix(suffix) {
                found.insert(String(file.dropLast(suffix.count)))
            }
        }
        return found
    }
}
