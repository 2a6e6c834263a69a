import Providers
import StageRuntime
import Synchronization

/// Where the thread of the signals leaves newly read keys and the bus thread finds them.
final class KeyShelf: Sendable {
    struct Keys: Sendable {
        var sources: [VerifiedSource]
        /// Goes up with each replacement.
        var generation: Int
    }

    private let keys: Mutex<Keys>

    init(_ sources: [VerifiedSource]) {
        keys = Mutex(Keys(sources: sources, generation: 0))
    }

    var current: Keys { keys.withLock { $0 } }

    func replace(_ sources: [VerifiedSource]) {
        keys.withLock { $0 = Keys(sources: sources, generation: $0.generation + 1) }
    }
}

extension VerifiedSource {
    /// Every configured source with its secrets resolved.
    static func resolveAll(_ environment: StageEnvironment) throws(StageFailure) -> [VerifiedSource] {
        var sources: [VerifiedSource] = []
        for source in environment.configuration.sources {
            guard let provider = ProviderRegistry.provider(named: source.provider) else {
                throw StageFailure(
                    .configuration, "source \(source.name): this version has no provider \(source.provider)")
            }
            var secrets: [Providers.SourceSecret] = []
            for secret in source.secrets {
                secrets.append(Providers.SourceSecret(id: secret.id, value: try environment.resolve(secret.value)))
            }
            do throws(SourceKeyError) {
                sources.append(
                    VerifiedSource(name: source.name, provider: provider, keys: try provider.makeKeys(secrets)))
            } catch {
                throw StageFailure(.configuration, "source \(source.name): \(error.description)")
            }
        }
        return sources
    }
}
