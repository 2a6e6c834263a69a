import Executable
import PipelineConfiguration
import Providers
import VerificationSchemes

/// A source of the configuration with its secrets read.
struct ResolvedSource {
    let provider: any Provider.Type
    var verification: SourceVerification
    /// Sentences about secrets that probably are not what was meant.
    var warnings: [String] = []

    init(provider: any Provider.Type, verification: SourceVerification) {
        self.provider = provider
        self.verification = verification
    }

    init(_ source: SourceConfiguration, _ configuration: TributaryConfiguration) throws(StageFailure) {
        guard let provider = ProviderRegistry.provider(named: source.provider) else {
            throw StageFailure(.configuration, "source \(source.name): this version has no provider \(source.provider)")
        }
        self.provider = provider
        var warnings: [String] = []
        verification = try source.verification(publicURL: configuration.ingress.publicURL) {
            reference throws(StageFailure) in
            let value = try SecretArgument.resolve(reference)
            if let warning = reference.warning(about: value) { warnings.append(warning) }
            return value
        }
        self.warnings = warnings
    }
}
