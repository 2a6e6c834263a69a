package import Executable
internal import Wire

extension TributaryConfiguration {
    /// One TCP address that some instance is going to listen on.
    package struct Listener: Sendable {
        package let key: String
        package let stage: Stage
        /// Nil where the key is that of one listener, shared by all instances.
        package let instance: String?
        package let address: ListenAddress

        var words: String { instance.map { "\(key) of \($0), \(address)," } ?? "\(key) \(address)" }
    }

    /// Every one, counting every instance: instance n serves its metrics n ports above `metrics_listen`.
    package var listeners: [Listener] {
        var listeners = [
            Listener(key: "ingress.listen", stage: .ingressGateway, instance: nil, address: ingress.listen)
        ]
        if let listen = router.listen {
            for number in 0..<router.instances {
                let own = ListenAddress(host: listen.host, port: listen.port + number)
                let instance = router.instances > 1 ? "\(Stage.fanoutRouter.rawValue)-\(number)" : nil
                listeners.append(
                    Listener(key: "router.listen", stage: .fanoutRouter, instance: instance, address: own))
            }
        }
        let stages: [(String, Stage, Int)] = [
            ("ingress", .ingressGateway, ingress.instances), ("connector", .ingressConnector, connector.instances),
            ("verifier", .verifier, verifier.instances), ("normaliser", .normaliser, normaliser.instances),
            ("router", .fanoutRouter, router.instances),
        ]
        for (key, stage, instances) in stages {
            for instance in (0..<instances).map({ "\(stage.rawValue)-\($0)" }) {
                guard let address = metricsListen(of: stage, instance) else { continue }
                let key = placedMetrics(of: instance) == nil ? "\(key).metrics_listen" : "topology.instances"
                listeners.append(Listener(key: key, stage: stage, instance: instance, address: address))
            }
        }
        return listeners
    }

    /// Where an instance serves its metrics over TCP: where the topology says, otherwise n ports above what its stage has. It
    /// may lie beyond the last port.
    package func metricsListen(of stage: Stage, _ instance: String) -> ListenAddress? {
        let base =
            switch stage {
            case .ingressGateway: ingress.metricsListen
            case .ingressConnector: connector.metricsListen
            case .verifier: verifier.metricsListen
            case .normaliser: normaliser.metricsListen
            case .fanoutRouter: router.metricsListen
            }
        return placedMetrics(of: instance)
            ?? base.map { ListenAddress(host: $0.host, port: $0.port + StageRole.number(of: instance)) }
    }

    /// An ingress has an entry for each of several routers.
    private func placedMetrics(of instance: String) -> ListenAddress? {
        topology?.instances.lazy.filter { $0.name == instance || $0.name.hasPrefix("\(instance)-") }
            .compactMap(\.metricsListen).first
    }

    /// Reports addresses that two listeners would want: the second could never start.
    func checkListeners(_ section: Section) {
        // What the topology says is of several hosts.
        let listeners = listeners.filter { $0.key != "topology.instances" }
        var reported: Set<String> = []
        for (index, later) in listeners.enumerated() {
            guard !reported.contains(later.key) else { continue }
            let other = listeners[..<index].first { $0.address.collides(with: later.address) }
            var sentence = other.map { other in
                "\(later.words) is taken by \(other.words.hasSuffix(",") ? String(other.words.dropLast()) : other.words)"
                    + "; choose another port (instance n of a stage serves its metrics n ports above metrics_listen)"
            }
            if later.address.port > 65535 {
                sentence = "\(later.words) lies beyond port 65535; choose a lower port"
            }
            guard let sentence else { continue }
            reported.insert(later.key)
            section.report(at: later.key, sentence)
        }
    }
}

extension ListenAddress {
    /// Whether only one of two listeners can have its address: the same port, on the same host or on all of them.
    func collides(with other: ListenAddress) -> Bool {
        guard port == other.port else { return false }
        let hosts = [host, other.host].map { $0 == "localhost" ? "127.0.0.1" : $0 }
        return hosts[0] == hosts[1] || !Self.everywhere.isDisjoint(with: hosts)
            || (host == "localhost" && other.host == "::1") || (host == "::1" && other.host == "localhost")
    }

    private static let everywhere: Set<String> = ["0.0.0.0", "::"]
}
