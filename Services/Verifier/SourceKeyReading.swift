import Executable
import PipelineConfiguration
import StageProcess
import VerificationSchemes

extension SourceVerification {
    /// Every source of a configuration with its secrets read now.
    static func resolveAll(
        _ configuration: TributaryConfiguration, _ environment: StageEnvironment
    ) throws(StageFailure) -> [SourceVerification] {
        var sources: [SourceVerification] = []
        for source in configuration.sources {
            sources.append(
                try source.verification(publicURL: configuration.ingress.publicURL) {
                    reference throws(StageFailure) in try environment.resolve(reference)
                })
        }
        return sources
    }
}
