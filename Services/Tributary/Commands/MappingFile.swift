import Executable
import PipelineConfiguration
import Providers

/// A file that holds what stands under `mapping` of a generic source.
enum MappingFile {
    /// Checked as the configuration is; errors name the file's own lines and keys.
    static func read(_ path: String) throws(StageFailure) -> MappingOptions {
        let text = String(decoding: try BodySource(path: path, mostBytes: 1 << 20).read(), as: UTF8.self)
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let configuration = lead + lines.map { "      \($0)\n" }.joined()
        do {
            let decoded = try TributaryConfiguration.decode(configuration, file: path)
            guard let source = decoded.sources.first else { return MappingOptions() }
            return source.mapping
        } catch {
            let sentences = error.errors.map { error in
                let key = error.keyPath.replacing("sources[0].", with: "")
                return "mapping_wrong: \(path):\(max(error.line - leadLines, 1)): \(key): \(error.sentence)"
            }
            throw StageFailure(.configuration, sentences.joined(separator: "\n"))
        }
    }

    private static let lead = """
        sources:
          - name: generic
            provider: generic
            verification: none
            mapping:

        """
    private static let leadLines = 5
}
