/// The stages, named like their executables.
package enum Stage: String, Sendable, CaseIterable {
    case ingressGateway = "ingress-gateway"
    case ingressConnector = "ingress-connector"
    case verifier
    case normaliser
    case fanoutRouter = "fanout-router"
}

/// How stages and their instances are named on every command line: by the executable or in short.
extension Stage {
    /// `ingress`, `connector` and `router`; the others are short already.
    package var shortName: String {
        switch self {
        case .ingressGateway: "ingress"
        case .ingressConnector: "connector"
        case .fanoutRouter: "router"
        case .verifier, .normaliser: rawValue
        }
    }

    /// How many instances there may be.
    package var mostInstances: Int {
        switch self {
        case .ingressGateway, .ingressConnector, .fanoutRouter: 16
        case .verifier, .normaliser: 64
        }
    }

    /// By either name.
    package init?(named text: String) {
        guard let stage = Stage.allCases.first(where: { [$0.rawValue, $0.shortName].contains(text) }) else {
            return nil
        }
        self = stage
    }

    /// The whole name of an instance: `router-0` is `fanout-router-0`. Nil where no stage begins so.
    package static func instance(named text: String) -> String? {
        guard Stage(named: text) == nil else { return nil }
        for stage in allCases {
            for name in [stage.rawValue, stage.shortName] where text.hasPrefix(name + "-") {
                let ending = text.dropFirst(name.count)
                return ending.utf8.count > 1 ? stage.rawValue + ending : nil
            }
        }
        return nil
    }

    /// Every name, for sentences.
    package static var names: String {
        allCases.map { $0.shortName == $0.rawValue ? $0.rawValue : "\($0.rawValue) (or \($0.shortName))" }
            .joined(separator: ", ")
    }
}

/// Which stages and instances are meant; none named: all.
package struct StageChoice: Sendable, Equatable {
    private var stages: Set<Stage> = []
    private var instances: Set<String> = []

    package init() {}

    /// Throws `usage` with the names that there are.
    package init(_ names: [String], option: String) throws(StageFailure) {
        for name in names {
            if let stage = Stage(named: name) {
                stages.insert(stage)
            } else if let instance = Stage.instance(named: name) {
                instances.insert(instance)
            } else {
                throw StageFailure(
                    .usage,
                    "stage_unknown: \(option) \(name): there is no such stage; the stages are \(Stage.names), and "
                        + "instances are named like verifier-0 or router-0")
            }
        }
    }

    /// Whether an instance, by its whole name, is meant.
    package func takes(_ instance: String) -> Bool {
        (stages.isEmpty && instances.isEmpty) || instances.contains(instance)
            || stages.contains { instance.hasPrefix($0.rawValue + "-") }
    }
}
