package import Executable

/// One thing that is wrong with a configuration file.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    package let file: String
    /// From 1; 0 when the file could not be read at all.
    package let line: Int
    /// Such as `sources[1].secrets[0].value`; empty for the whole file.
    package let keyPath: String
    /// What is wrong, what was expected, and how to fix it.
    package let sentence: String

    /// `file:line: key: sentence`, as editors and terminals link it.
    package var description: String {
        (line > 0 ? "\(file):\(line): " : "\(file): ") + (keyPath.isEmpty ? "" : "\(keyPath): ") + sentence
    }
}

/// Everything that is wrong with a configuration file, in the order of its lines; never empty.
package struct ConfigurationErrors: Error, Sendable, CustomStringConvertible {
    package let errors: [ConfigurationError]

    /// One error per line.
    package var description: String {
        errors.map(\.description).joined(separator: "\n")
    }
}

extension TributaryConfiguration {
    /// Loads the configuration that a process cannot go on without; every error is in the sentence of the failure, one
    /// per line.
    package static func loadForProcess(_ file: String) throws(StageFailure) -> TributaryConfiguration {
        do {
            return try load(file)
        } catch {
            throw StageFailure(.configuration, error.description)
        }
    }
}
