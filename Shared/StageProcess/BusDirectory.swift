package import AdminServer
package import Bus
package import Executable
import Logging
import PipelineConfiguration
import Wire

extension StageEnvironment {
    /// Links of this instance that are refused; each is said in its log.
    package var linkRefusals: LinkRefusals { linkRefusals(labels: []) }

    package func linkRefusals(labels: [(String, String)]) -> LinkRefusals {
        LinkRefusals(registry, labels: labels) { [logger] reason in
            logger.error("a link is refused", metadata: ["code": "\(LinkRefusals.code)", "reason": "\(reason)"])
        }
    }

    /// What it is called on the bus. Whoever has a journal for each of several routers has as many names.
    package var busInstances: [String] {
        let routers = configuration.router.instances
        guard routers > 1, stage.role == .ingress else { return [instance] }
        return (0..<routers).map { "\(instance)-\($0)" }
    }

    /// Where the instance finds the others and is found. On several hosts its own secret key is read for it.
    package func busDirectory() throws(StageFailure) -> RunDirectory {
        // An ingress connects to nobody.
        let partition = RunDirectory.Partition(of: instance, count: configuration.router.instances)
        guard let topology = configuration.topology else {
            return RunDirectory(path: runDirectory, partition: partition)
        }
        for name in busInstances where !topology.instances.contains(where: { $0.name == name }) {
            throw StageFailure(
                .configuration,
                "\(name) is not among topology.instances of \(configuration.file); add it, or start one that is")
        }
        var addresses: [String: [RunDirectory.SocketName: String]] = [:]
        for each in topology.instances {
            addresses[each.name] = [RunDirectory.SocketName.out: each.out, .control: each.control]
                .compactMapValues { $0?.description }
        }
        return RunDirectory(
            path: runDirectory, topology: Topology(addresses: addresses, keys: try linkKeys(topology)),
            partition: partition)
    }

    private func linkKeys(_ topology: TopologyConfiguration) throws(StageFailure) -> LinkKeys? {
        let role = stage.role
        guard !topology.insecurePlainTCP, let own = topology.keys(of: role) else {
            logger.warning("topology.insecure_plain_tcp: links to other hosts are neither encrypted nor authenticated")
            return nil
        }
        var publicKeys: [StageRole: String] = [:]
        for role in StageRole.allCases { publicKeys[role] = topology.keys(of: role)?.publicKey }
        let secret = String(decoding: try resolve(own.secretKey), as: UTF8.self)
        guard let keys = LinkKeys(of: role, secretKey: secret, publicKeys: publicKeys) else {
            throw StageFailure(
                .configuration,
                "\(own.secretKey.keyPath) (\(own.secretKey)) does not belong to the public_key beside it; "
                    + "'tributary keys generate' makes a pair")
        }
        return keys
    }
}

extension LinkRefusals {
    /// A stage that is refused is not ready: where it was restarted by another executable, the former comes back.
    package func check(linked: String) -> HealthCheck {
        HealthCheck(name: "bus", ok: own.isEmpty, detail: own.first ?? linked)
    }
}
