package import Executable
package import Wire

/// Several routers and processes of connectors: what belongs to which, and who works for each.
extension TributaryConfiguration {
    /// The router that gets a source's events. It changes only with the configuration, so that the source's webhooks are in
    /// one journal and one event log, in their order.
    package func router(of source: SourceConfiguration) -> Int {
        source.router ?? Self.share(of: source.name, among: router.instances)
    }

    /// The connectors that an instance of their stage runs.
    package func connectors(of instance: Int) -> [ConnectorConfiguration] {
        connectors.filter { Self.share(of: $0.name, among: connector.instances) == instance }
    }

    private static func share(of name: String, among count: Int) -> Int {
        Array(name.utf8).withUnsafeBytes { Int(crc32c($0)) } % count
    }

    /// The sources of each router by name, in their order: what `--router` is chosen by.
    package var sourcesOfRouters: [[String]] {
        (0..<router.instances).map { number in sources.filter { router(of: $0) == number }.map(\.name) }
    }

    func checkRouters(_ section: Section) {
        let count = router.instances
        for (index, source) in sources.enumerated() where section.isRight("sources") {
            guard let pinned = source.router, pinned >= count else { continue }
            section.report(
                at: "sources[\(index)].router",
                "there are \(count) routers (router.instances), the last is \(count - 1)")
        }
        guard count > 1 else { return }
        for (stage, instances) in [(Stage.verifier, verifier.instances), (.normaliser, normaliser.instances)] {
            let numbers = topology?.numbers(of: stage) ?? Array(0..<instances)
            let served = Set(numbers.map { $0 % count })
            guard let lacking = (0..<count).first(where: { !served.contains($0) }) else { continue }
            section.report(
                at: topology == nil ? "\(stage.rawValue).instances" : "topology.instances",
                "no \(stage.rawValue) would work for router \(lacking): instance n works for router n modulo "
                    + "router.instances, so there must be \(count) of them at least")
        }
        if router.fileDestinations != nil {
            section.report(
                at: "router.file_destinations",
                "several routers would write into the same files; with \(count) there are none")
        }
    }
}

extension Stage {
    /// What it is on the bus.
    package var role: StageRole {
        switch self {
        case .ingressGateway, .ingressConnector: .ingress
        case .verifier: .verifier
        case .normaliser: .normaliser
        case .fanoutRouter: .router
        }
    }
}
