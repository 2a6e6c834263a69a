import Glibc
import Yams

extension TributaryConfiguration {
    /// Reads and checks a configuration file. Throws everything that is wrong with it at once; a file that is not
    /// YAML at all has one error, at the line where the reader gave up.
    package static func load(_ path: String) throws(ConfigurationErrors) -> TributaryConfiguration {
        try decode(try text(of: path), file: path)
    }

    private static func text(of path: String) throws(ConfigurationErrors) -> String {
        guard let bytes = readFile(path) else {
            let reason = String(cString: strerror(errno))
            throw unreadable(path, "cannot be read: \(reason); name another file with --config")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw unreadable(path, "is not UTF-8 text")
        }
        return text
    }

    /// Decodes the text of a configuration file; `file` is named in errors and is what relative paths start from. Where the
    /// text is a supervisor's copy, the file that it was copied from takes that part.
    package static func decode(_ text: String, file: String) throws(ConfigurationErrors) -> TributaryConfiguration {
        let path = ConfigurationPath.absolute(file, in: ConfigurationPath.workingDirectory)
        let (file, text) = origin(of: text) ?? (file, text)
        let root: Node?
        do {
            root = try compose(yaml: text, .basic)
        } catch {
            throw notYAML(error, file: file)
        }
        guard let root else { throw unreadable(file, "is empty; expected at least one source") }
        let decoding = Decoding(file: file)
        decoding.sources = root.mapping?["sources"]?.sequence?.compactMap { $0.mapping?["name"]?.scalar?.string } ?? []
        var configuration = TributaryConfiguration(in: decoding.folder)
        _ = table.read(Value(node: root, keyPath: "", decoding: decoding), into: &configuration)
        guard decoding.errors.isEmpty else {
            throw ConfigurationErrors(errors: decoding.errors.sorted { $0.line < $1.line })
        }
        configuration.file = path
        configuration.fingerprint = fingerprint(text)
        return configuration
    }

    /// The file that a supervisor's copy was made of, and that file's text: the copy says it in a line before the text.
    private static func origin(of copy: String) -> (file: String, text: String)? {
        let mark = "# accepted from "
        guard copy.hasPrefix(mark), let end = copy.firstIndex(of: "\n") else { return nil }
        return (String(copy[..<end].dropFirst(mark.count)), String(copy[copy.index(after: end)...]))
    }

    /// FNV-1a with 64 bits (draft-eastlake-fnv): tells versions of a file apart, not forgeries.
    private static func fingerprint(_ text: String) -> String {
        let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The same as `load` for an earlier version of `file` that was kept as `copy`: relative paths start from `file`.
    package static func load(
        _ copy: String, standingFor file: String
    ) throws(ConfigurationErrors) -> TributaryConfiguration {
        try decode(try text(of: copy), file: file)
    }

    /// The run directory that a file names although it may be wrong in other places, even no YAML as a whole: what its
    /// line at the margin says, or the default. Nil where the file cannot be read.
    static func runDir(namedIn file: String) -> String? {
        guard let text = try? text(of: file) else { return nil }
        let line =
            text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("run_dir:") }.map(String.init)
            ?? text.firstMatch(of: #/"run_dir"\s*:\s*("(?:[^"\\]|\\.)*")/#).map { "run_dir: \($0.1)" }
        let value = line.flatMap { try? compose(yaml: $0, .basic) }?.mapping?["run_dir"]?.scalar?.string
        return ConfigurationPath.absolute(value ?? defaultRunDir, in: ConfigurationPath.folder(of: file))
    }

    private static func unreadable(_ file: String, _ sentence: String) -> ConfigurationErrors {
        ConfigurationErrors(errors: [.init(file: file, line: 0, keyPath: "", sentence: sentence)])
    }

    private static func notYAML(_ error: any Error, file: String) -> ConfigurationErrors {
        let line: Int
        let sentence: String
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            line = mark.line
            sentence = "not valid YAML: \(problem); check indentation, quotes and colons"
        case .duplicatedKeysInMapping(let keys, let context):
            line = context.mark.line
            sentence = "the key \(keys.joined(separator: ", ")) is written twice in one mapping; keep one"
        default:
            line = 0
            sentence = "not valid YAML: \(error)"
        }
        return ConfigurationErrors(errors: [.init(file: file, line: line, keyPath: "", sentence: sentence)])
    }

    /// A configuration is small; what is larger is the wrong file.
    private static let maxFileBytes = 4 * 1024 * 1024

    private static func readFile(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
            guard bytes.count <= maxFileBytes else {
                errno = EFBIG
                return nil
            }
        }
    }
}

/// Paths of the configuration. Purely textual: nothing is looked up on disk but the working directory.
package enum ConfigurationPath {
    /// The absolute form of `path`, which is relative to `folder`, without `.` and `..`.
    package static func absolute(_ path: String, in folder: String) -> String {
        var parts: [Substring] = []
        for part in (path.hasPrefix("/") ? path : "\(folder)/\(path)").split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The absolute folder of a file that is named relative to the working directory.
    static func folder(of file: String) -> String {
        absolute(absolute(file, in: workingDirectory) + "/..", in: "/")
    }

    /// The working directory of the process.
    static var workingDirectory: String {
        guard let buffer = getcwd(nil, 0) else { return "/" }
        defer { free(buffer) }
        return String(cString: buffer)
    }
}
