package import Executable

/// One difference between two configurations, in words, and what it takes until it counts.
package struct ConfigurationChange: Sendable, Equatable, CustomStringConvertible {
    /// What it takes until the change counts.
    package enum Effect: String, Sendable {
        /// The stages take it over while they run (SIGHUP).
        case inPlace = "in_place"
        /// The processes of the stages must be replaced.
        case restart
        /// Another number of instances is to run.
        case instances
        /// The whole pipeline must go down and come up again.
        case pipeline
    }

    /// Such as `source stream: secrets changed` or `ingress.idle_timeout: 75s → 30s`; never a secret.
    package let sentence: String
    /// Whom it concerns.
    package let stages: [Stage]
    package let effect: Effect

    package init(_ sentence: String, _ stages: [Stage], _ effect: Effect) {
        self.sentence = sentence
        self.stages = stages
        self.effect = effect
    }

    package var description: String { sentence }

    /// Everything that differs, in the order of the file. References are compared, not what they refer to: a secret in a
    /// file that changed under the same name is no difference here.
    package static func between(
        _ old: TributaryConfiguration, _ new: TributaryConfiguration
    ) -> [ConfigurationChange] {
        TributaryConfiguration.table.changes(old, new, "", Concern(stages: Stage.allCases, effect: .inPlace))
    }

    /// What differs between two versions of one subscription.
    package static func between(
        _ old: SubscriptionConfiguration, _ new: SubscriptionConfiguration
    ) -> [ConfigurationChange] {
        SubscriptionConfiguration.table.changes(
            old, new, "subscription \(new.name): ", Concern(stages: [.fanoutRouter], effect: .inPlace))
    }
}
