/// The providers that this build knows: one line each.
package enum ProviderRegistry {
    package static let all: [any Provider.Type] = [
        StreamProvider.self,
        StreamCallsProvider.self,
        FastPixProvider.self,
        SuperVizProvider.self,
        FishjamProvider.self,
        EyesonProvider.self,
        LiveKitProvider.self,
        MuxProvider.self,
        DailyProvider.self,
        WherebyProvider.self,
        ZoomProvider.self,
        TwilioProvider.self,
        AgoraProvider.self,
        CloudflareStreamProvider.self,
        HundredMSProvider.self,
        StandardWebhooksProvider.self,
        CloudEventsProvider.self,
        GenericProvider.self,
    ]

    /// The provider with that name in the configuration; nil if there is none.
    package static func provider(named name: String) -> (any Provider.Type)? {
        all.first { $0.name == name }
    }

    /// Every name, in the order of the registry, for sentences about the configuration.
    package static var names: [String] { all.map { $0.name } }
}
