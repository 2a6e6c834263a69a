package import Executable

/// The whole configuration of one Tributary, decoded and checked: every stage reads the same file.
package struct TributaryConfiguration: Sendable {
    /// The file it came from, as an absolute path.
    package internal(set) var file = ""
    /// Names the text that it was decoded from: the FNV-1a hash of its bytes, 16 hexadecimal digits.
    package internal(set) var fingerprint = ""
    /// Where sockets, locks and logs live, as an absolute path.
    package private(set) var runDir = defaultRunDir
    /// Where the journals and the event log live, as an absolute path.
    package private(set) var dataDir = "data"
    package private(set) var logLevel = LogLevel.info
    package private(set) var ingress = IngressConfiguration()
    package private(set) var verifier = WorkerConfiguration()
    package private(set) var normaliser = WorkerConfiguration()
    package private(set) var router = RouterConfiguration()
    package private(set) var connector = ConnectorStageConfiguration()
    /// Nil: nothing is traced.
    package private(set) var trace: TraceConfiguration?
    /// Nil: all stages run on this host.
    package private(set) var topology: TopologyConfiguration?
    /// In the order of the file; names are unique.
    package private(set) var connectors: [ConnectorConfiguration] = []
    /// In the order of the file; names are unique.
    package private(set) var sources: [SourceConfiguration] = []
    /// In the order of the file; names are unique.
    package private(set) var subscriptions: [SubscriptionConfiguration] = []

    /// The names of the environment variables whose secrets a stage may read, sorted; nothing else is passed to it.
    package func environmentVariables(of stage: Stage) -> [String] {
        Set(secrets(of: stage).compactMap(\.environmentVariable)).sorted()
    }

    /// Sentences about those secrets of all stages that can be read here and are probably not what was meant. Those that
    /// cannot be read are passed over.
    package var secretWarnings: [String] {
        Stage.allCases.flatMap(secrets).compactMap { reference in
            (try? reference.resolve()).flatMap(reference.warning)
        }
    }

    /// A sentence for each secret of these stages whose file others can open. Certificates are no secrets.
    package func exposedSecrets(of stages: [Stage]) -> [String] {
        let certificates =
            [ingress.tls?.certificate, router.tls?.certificate]
            + subscriptions.flatMap { [$0.http?.tls?.certificate, $0.http?.tls?.ca] } + connectors.map(\.ca)
        let open = Set(certificates.compactMap { $0?.keyPath })
        return stages.flatMap(secrets).filter { !open.contains($0.keyPath) }.compactMap(\.exposure)
    }

    /// The secrets that a stage may resolve: those of the keys that it reads.
    package func secrets(of stage: Stage) -> [SecretReference] {
        Self.table.secrets(self, stage, [])
    }

    // MARK: Its keys

    /// The default of a file in that folder.
    init(in folder: String = "") {
        guard !folder.isEmpty else { return }
        runDir = ConfigurationPath.absolute(runDir, in: folder)
        dataDir = ConfigurationPath.absolute(dataDir, in: folder)
    }

    static let defaultRunDir = "run"

    static let table = FieldTable<TributaryConfiguration>(
        { TributaryConfiguration() }, rules: [{ configuration, section in configuration.check(section) }],
        [
            Field(
                "run_dir", \.runDir, .path, "Where sockets, locks and logs live; relative to the file.",
                stages: Stage.allCases, effect: .pipeline),
            Field(
                "data_dir", \.dataDir, .path, "Where the journals and the event log live; relative to the file.",
                stages: Stage.allCases, effect: .pipeline),
            Field(
                "log_level", \.logLevel, .word, "The least that stages log; `--log-level` of a stage goes before it.",
                stages: Stage.allCases, effect: .restart),
            Field(
                "ingress", \.ingress, .section(IngressConfiguration.table).noted { $1.ingress = $0 },
                "The front door.", stages: [.ingressGateway]),
            Field(
                "verifier", \.verifier, .section(WorkerConfiguration.table), "Says whether webhooks are genuine.",
                stages: [.verifier]),
            Field(
                "normaliser", \.normaliser, .section(WorkerConfiguration.table), "Makes events of webhooks.",
                stages: [.normaliser]),
            Field(
                "router", \.router, .section(RouterConfiguration.table).noted { $1.router = $0 },
                "The event log, the deliveries and the control API.", stages: [.fanoutRouter]),
            Field(
                "connector", \.connector, .section(ConnectorStageConfiguration.table),
                "Fetches webhooks that do not come by themselves.", stages: [.ingressConnector]),
            Field(
                "trace", optional: \.trace, .object(TraceConfiguration.table),
                "Sends the ways of some webhooks to a collector of traces; without it none.",
                stages: [.ingressGateway, .ingressConnector, .fanoutRouter], effect: .restart),
            Field(
                "topology", optional: \.topology, .object(TopologyConfiguration.table),
                "The instances of a pipeline on several hosts, the same in the file of each.", stages: Stage.allCases,
                effect: .pipeline),
            // The verifier must know which sources have one.
            Field(
                "connectors", \.connectors,
                .named(ConnectorConfiguration.table, "connector", by: \.name).noted {
                    $1.connected = Set($0.map(\.source))
                }, "Where webhooks are fetched from.", stages: [.ingressConnector, .verifier]),
            Field(
                "sources", \.sources, .named(SourceConfiguration.table, "source", by: \.name),
                "Where webhooks come from.", stages: [.ingressGateway, .verifier, .normaliser, .fanoutRouter]),
            Field(
                "subscriptions", \.subscriptions, .named(SubscriptionConfiguration.table, "subscription", by: \.name),
                "Who gets the events.", stages: [.fanoutRouter]),
        ])

    // MARK: Rules

    private func check(_ section: Section) {
        // Unix sockets have at most 107 bytes of path (sys/un.h); better said here than by a failing bind.
        let longest = "/ingress-connector-0\(router.instances > 1 ? "-15" : "").control".utf8.count
        if runDir.utf8.count + longest > 107 {
            section.decoding.report(
                line: (section["run_dir"] ?? section.value).line, "run_dir",
                "\(runDir) is too long for Unix sockets in it; expected at most \(107 - longest) bytes")
        }
        checkConnectors(section)
        checkRouters(section)
        refuseLiterals(section)
        checkListeners(section)
    }

    private func checkConnectors(_ section: Section) {
        for (index, connector) in connectors.enumerated() where section.isRight("connectors") {
            let source = sources.first { $0.name == connector.source }
            if source == nil, section.isRight("sources") || !section.has("sources") {
                section.report(
                    at: "connectors[\(index)].source",
                    "there is no source \"\(connector.source)\"; \(Suggestion.hint(for: connector.source, among: sources.map(\.name)))"
                )
            } else if let source, connector.kind == .fishjam, source.provider != "fishjam" {
                section.report(
                    at: "connectors[\(index)].source",
                    "type: fishjam fetches notifications of Fishjam's, and the provider of \(source.name) is "
                        + source.provider)
            }
        }
    }

    private func refuseLiterals(_ section: Section) {
        let places = [("ingress.listen", ingress.listen), ("router.listen", router.listen)]
        guard let (key, address) = places.first(where: { !($0.1?.isLoopback ?? true) }), let address else { return }
        for secret in Stage.allCases.flatMap(secrets) {
            guard case .literal = secret.place else { continue }
            section.report(
                at: secret.keyPath,
                "literal: secrets are allowed only while \(key) is on loopback, and it is \(address); "
                    + "use env:NAME or file:PATH")
        }
    }
}

/// How much stages log, each level with all that follow.
package enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}
