import Executable
import PipelineConfiguration

/// Secrets on the command line are references alone: what stands there itself can be read by everybody in the list of
/// processes and stays in the shell's history.
enum SecretArgument {
    /// `env:NAME` or `file:PATH`, a relative path from the working directory.
    static func reference(_ text: String, option: String) throws(StageFailure) -> SecretReference {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        switch parts.count == 2 ? parts[0] : "" {
        case "env": return SecretReference(place: .env(parts[1]), keyPath: option)
        case "file": return SecretReference(place: .file(parts[1]), keyPath: option)
        default:
            throw StageFailure(
                .usage,
                "secret_not_a_reference: \(option) wants env:NAME or file:PATH, never the secret itself, which would "
                    + "stay in the shell's history")
        }
    }

    /// The bytes behind a reference.
    static func resolve(_ reference: SecretReference) throws(StageFailure) -> [UInt8] {
        do {
            return try reference.resolve()
        } catch {
            throw StageFailure(.configuration, "\(error.code): \(error.sentence)")
        }
    }
}
