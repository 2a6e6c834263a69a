import Providers
import StageRuntime
import Synchronization

/// Where the thread of the signals leaves newly read keys and the bus thread finds them.
final class KeyShelf: Sendable {
    struct Keys: Sendable {
        var sources: [SourceVerification]
        /// Goes up with each replacement.
        var generation: Int
    }

    private let keys: Mutex<Keys>

    init(_ sources: [SourceVerification]) {
        keys = Mutex(Keys(sources: sources, generation: 0))
    }

    var current: Keys { keys.withLock { $0 } }

    func replace(_ sources: [SourceVerification]) {
        keys.withLock { $0 = Keys(sources: sources, generation: $0.generation + 1) }
    }
}

extension SourceVerification {
    /// Every configured source with its secrets read now.
    static func resolveAll(_ environment: StageEnvironment) throws(StageFailure) -> [SourceVerification] {
        var sources: [SourceVerification] = []
        for source in environment.configuration.sources {
            sources.append(
                try source.verification(publicURL: environment.configuration.ingress.publicURL) {
                    reference throws(StageFailure) in try environment.resolve(reference)
                })
        }
        return sources
    }
}
