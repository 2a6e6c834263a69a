package import Executable

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
        let stages: [(String, Stage, Int, ListenAddress?)] = [
            ("ingress", .ingressGateway, ingress.instances, ingress.metricsListen),
            ("connector", .ingressConnector, 1, connector.metricsListen),
            ("verifier", .verifier, verifier.instances, verifier.metricsListen),
            ("normaliser", .normaliser, normaliser.instances, normaliser.metricsListen),
            ("router", .fanoutRouter, router.instances, router.metricsListen),
        ]
        for (key, stage, instances, address) in stages {
            guard let address else { continue }
            for number in 0..<instances {
                let own = ListenAddress(host: address.host, port: address.port + number)
                listeners.append(
                    Listener(
                        key: "\(key).metrics_listen", stage: stage, instance: "\(stage.rawValue)-\(number)",
                        address: own))
            }
        }
        return listeners
    }

    /// Reports addresses that two listeners would want: the second could never start.
    func checkListeners(_ section: Section) {
        let listeners = listeners
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
