import Executable
import PipelineConfiguration

/// Tells whether a secret has become another behind the same reference, without keeping it: of each, a hash under a key
/// that this process alone has (`Hasher`, seeded at its start).
struct SecretMarks: Sendable, Equatable {
    private struct Mark: Equatable {
        let name: String
        let reference: String
        let hash: Int
    }

    private let marks: [Mark]

    /// The secrets that the stage may read, as they are now; what is not to be had is left out.
    init(_ configuration: TributaryConfiguration, of stage: Stage) {
        marks = configuration.namedSecrets(of: stage).compactMap { name, reference in
            guard let value = try? reference.resolve() else { return nil }
            var hasher = Hasher()
            hasher.combine(value)
            return Mark(name: name, reference: "\(reference)", hash: hasher.finalize())
        }
    }

    /// The names of those that both know under one reference and that differ.
    func changed(since former: SecretMarks) -> [String] {
        marks.filter { mark in
            former.marks.contains { $0.name == mark.name && $0.reference == mark.reference && $0.hash != mark.hash }
        }.map(\.name)
    }
}

extension TributaryConfiguration {
    /// The same references as `secrets(of:)` with what people call them, such as `source stream: secret k3ytest`.
    func namedSecrets(of stage: Stage) -> [(name: String, reference: SecretReference)] {
        guard stage == .verifier else { return secrets(of: stage).map { ("\($0.keyPath) (\($0))", $0) } }
        return sources.flatMap { source in
            let lists = [("secret", source.secrets), ("path token", source.pathTokens)]
            return lists.flatMap { word, secrets in
                secrets.enumerated().map { index, secret in
                    ("source \(source.name): \(word) \(secret.id ?? String(index + 1)) (\(secret.value))", secret.value)
                }
            }
        }
    }
}
