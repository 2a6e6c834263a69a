import PipelineConfiguration

/// What the configuration lets subscriptions of the API be.
struct SubscriptionRules: Sendable {
    /// Names of configured sources.
    let sources: [String]
    /// What destinations are held against.
    let router: RouterConfiguration

    init(_ configuration: TributaryConfiguration) {
        sources = configuration.sources.map(\.name)
        router = configuration.router
    }
}
