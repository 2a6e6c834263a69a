package import Executable
import Primitives
package import Wire

/// Which instances run on which hosts: where their sockets listen, and the keys by which stages know each other. Without
/// it a pipeline is on one host, and its sockets are in `run_dir`.
package struct TopologyConfiguration: Sendable {
    /// The CURVE keys of a role, which all of its instances share.
    package struct Keys: Sendable {
        /// In Z85, as `tributary keys generate` prints it.
        package var publicKey = ""
        package var secretKey = SecretReference.nowhere
    }

    package struct Instance: Sendable {
        package var name = ""
        /// Where it gives work; nil for the router, which gives none.
        package var out: ListenAddress?
        /// Where verdicts and settlements come in; for an ingress or connector.
        package var control: ListenAddress?
        /// Where it serves its metrics; nil for where its stage says.
        package var metricsListen: ListenAddress?
    }

    package private(set) var ingress: Keys?
    package private(set) var verifier: Keys?
    package private(set) var normaliser: Keys?
    package private(set) var router: Keys?
    /// In the order of the file; names are unique.
    package private(set) var instances: [Instance] = []
    /// Whether links are neither encrypted nor authenticated.
    package private(set) var insecurePlainTCP = false

    /// The numbers of a stage's instances.
    func numbers(of stage: Stage) -> [Int] {
        instances.map(\.name).filter { $0.hasPrefix(stage.rawValue + "-") }.map(StageRole.number(of:))
    }

    /// A connector has the ingress' keys.
    package func keys(of role: StageRole) -> Keys? {
        switch role {
        case .ingress: ingress
        case .verifier: verifier
        case .normaliser: normaliser
        case .router: router
        }
    }

    static let table = FieldTable<TopologyConfiguration>(
        TopologyConfiguration.init, rules: [{ topology, section in topology.check(section) }],
        [
            Field(
                "ingress", optional: \.ingress, .object(keys), "Keys of ingress gateways and connectors.",
                stages: [.ingressGateway, .ingressConnector]),
            Field("verifier", optional: \.verifier, .object(keys), "Keys of verifiers.", stages: [.verifier]),
            Field("normaliser", optional: \.normaliser, .object(keys), "Keys of normalisers.", stages: [.normaliser]),
            Field("router", optional: \.router, .object(keys), "Keys of the router.", stages: [.fanoutRouter]),
            Field(
                "instances", \.instances, .named(instance, "instance", by: \.name), "Every instance on any host.",
                required: "a list of instances"),
            Field(
                "insecure_plain_tcp", \.insecurePlainTCP, .boolean,
                "Links without keys: whoever reaches a socket reads webhooks and sends some of his own."),
        ])

    private static let keys = FieldTable<Keys>(
        Keys.init,
        [
            Field(
                "public_key", \.publicKey,
                .text("a public key of 40 characters", pattern: "^[0-9a-zA-Z.:+=^!/*?&<>()\\[\\]{}@%$#-]{40}$") {
                    text throws(WrongText) in if !isKey(text) { throw .unexpected }
                }, "As `tributary keys generate` prints it.", required: "what 'tributary keys generate' prints"),
            Field(
                "secret_key", \.secretKey, .secret, "Read by the stages of this role alone, when they start.",
                required: "file:PATH of what 'tributary keys generate' wrote"),
        ])

    private static let instance = FieldTable<Instance>(
        Instance.init, rules: [{ instance, section in check(instance, section) }],
        [
            Field(
                "name", \.name, .name(unique: "instance"), "What it is started as, `--instance`.",
                required: "a name such as verifier-0"),
            Field(
                "out", optional: \.out, .address,
                "Where it listens for those that it gives work to, and they reach it; not for the router."),
            Field(
                "control", optional: \.control, .address,
                "Where an ingress or connector listens for verdicts and settlements."),
            Field(
                "metrics_listen", optional: \.metricsListen, .address,
                "Where it serves /metrics, instead of n ports above that of its stage."),
        ])

    /// Forty characters of Z85 (ZeroMQ RFC 32).
    private static func isKey(_ text: String) -> Bool {
        text.utf8.count == 40
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) && byte & 0x40 != 0
                    || ".-:+=^!/*?&<>()[]{}@%$#".utf8.contains(byte)
            }
    }

    // MARK: Rules

    private static func check(_ instance: Instance, _ section: Section) {
        guard section.isRight("name") else { return }
        guard let stage = Stage.allCases.first(where: { instance.name.hasPrefix($0.rawValue + "-") }) else {
            return section.report(
                "name", "expected the name of a stage and a number, such as verifier-0; stages are \(Stage.names)")
        }
        let needed =
            switch stage {
            case .ingressGateway, .ingressConnector: ["out", "control"]
            case .verifier, .normaliser: ["out"]
            case .fanoutRouter: [String]()
            }
        for key in ["out", "control"] {
            if needed.contains(key), !section.has(key) { section.missing(key, "an address such as 10.0.0.1:7100") }
            if !needed.contains(key), section.has(key) {
                section.report(key, "a \(stage.shortName) has no such socket; remove it")
            }
        }
        for (key, address) in [("out", instance.out), ("control", instance.control)]
        where address.map({ !isReachable($0.host) }) ?? false {
            section.report(key, "expected the IPv4 address or the name by which the other hosts reach it, and a port")
        }
    }

    /// What all digits and dots are is an IPv4 address or nothing, as in a URL.
    private static func isReachable(_ host: String) -> Bool {
        guard host.utf8.contains(where: { $0 | 0x20 >= UInt8(ascii: "a") }) else {
            return IPAddress(host) != nil && host != "0.0.0.0"
        }
        return host != "localhost" && !host.contains(":")
            && host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            }
    }

    private func check(_ section: Section) {
        for role in ["ingress", "verifier", "normaliser", "router"] where !insecurePlainTCP && !section.has(role) {
            section.missing(
                role,
                "public_key and secret_key; without keys whoever reaches a socket reads webhooks and sends some of "
                    + "his own, which insecure_plain_tcp: true would allow")
        }
        let keys = StageRole.allCases.compactMap { self.keys(of: $0)?.publicKey }
        if Set(keys).count < keys.count { section.report("", "two roles have the same key; each needs one of its own") }
        if insecurePlainTCP, !keys.isEmpty {
            section.report(
                "insecure_plain_tcp", "there are keys, which true would leave unused; remove one or the other")
        }
        var taken: [String: String] = [:]
        for instance in instances where section.isRight("instances") {
            for address in [instance.out, instance.control].compactMap({ $0?.description }) {
                guard let other = taken.updateValue(instance.name, forKey: address) else { continue }
                section.report("instances", "\(address) of \(instance.name) is taken by \(other); choose another port")
            }
        }
    }
}
