import Executable
import Yams

/// Turns the YAML tree into a configuration and reports everything that is wrong on the way.
struct ConfigurationDecoder {
    let file: String
    let problems: Problems
    /// Relative paths of the file start here.
    let folder: String

    init(file: String, problems: Problems) {
        self.file = file
        self.problems = problems
        folder = ConfigurationPath.folder(of: file)
    }

    /// Nil only when something was reported.
    func decode(_ root: Node) -> TributaryConfiguration? {
        let keys = [
            "run_dir", "data_dir", "ingress", "verifier", "normaliser", "router", "sources", "subscriptions",
        ]
        guard let section = Section(Value(node: root, keyPath: ""), keys: keys, problems: problems) else {
            return nil
        }
        let runDir = path(section, "run_dir", default: TributaryConfiguration.defaultRunDir)
        checkSocketPaths(section, runDir)
        let ingress = decodeIngress(section)
        let sources = decodeSources(
            section, publicURL: ingress.publicURL, quota: ingress.quotas.perSource)
        let router = decodeRouter(section)
        let configuration = TributaryConfiguration(
            file: ConfigurationPath.absolute(file, in: ConfigurationPath.workingDirectory),
            runDir: runDir,
            dataDir: path(section, "data_dir", default: "data"),
            ingress: ingress,
            verifier: decodeWorker(section, "verifier"),
            normaliser: decodeWorker(section, "normaliser"),
            router: router,
            sources: sources,
            subscriptions: decodeSubscriptions(section, sources: sourceNames(section), router: router))
        refuseLiteralsOutsideLoopback(configuration, section)
        checkListeners(configuration, section)
        return configuration
    }

    /// A reference to a secret, or nil after a report.
    func secret(_ value: Value?, _ section: Section) -> SecretReference? {
        let expected = "env:NAME, file:PATH or, on loopback, literal:TEXT"
        guard let value, let text = section.text(value, expected: expected) else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let rest = parts.count == 2 ? String(parts[1]) : ""
        guard parts.count == 2, !rest.isEmpty else {
            // What was written may be the secret itself, so it is not repeated.
            problems.report(value, "expected \(expected); a bare text is not a reference")
            return nil
        }
        switch parts[0] {
        case "env":
            guard Self.isVariableName(rest) else {
                problems.report(value, "expected the name of an environment variable after env:, found \"\(rest)\"")
                return nil
            }
            return SecretReference(place: .env(rest), keyPath: value.keyPath)
        case "file":
            let path = ConfigurationPath.absolute(rest, in: folder)
            return SecretReference(place: .file(path), keyPath: value.keyPath)
        case "literal":
            return SecretReference(place: .literal(rest), keyPath: value.keyPath)
        default:
            problems.report(value, "expected \(expected)")
            return nil
        }
    }

    /// A name of a source or subscription, reported when it is not one or was used before.
    func name(_ section: Section, _ what: String, taken: inout [String: Int]) -> String? {
        let expected = "a name of 1 to 63 characters a-z, 0-9 and -"
        guard let value = section.required("name", expected: expected),
            let name = section.text(value, expected: expected)
        else { return nil }
        guard Self.isName(name) else {
            problems.report(value, "expected \(expected), found \"\(name)\"")
            return nil
        }
        let line = value.node.mark?.line ?? 0
        if let first = taken[name] {
            problems.report(value, "the \(what) \"\(name)\" is already defined in line \(first); names are unique")
        } else {
            taken[name] = line
        }
        return name
    }

    /// A TCP address, or nil after a report or when the key is left out.
    func address(_ section: Section, _ key: String) -> ListenAddress? {
        let expected = "an address such as 127.0.0.1:8080 or [::1]:8080"
        guard let value = section.optional(key), let text = section.text(value, expected: expected) else { return nil }
        if let address = ListenAddress(text) { return address }
        problems.report(value, "expected \(expected), found \"\(text)\"")
        return nil
    }

    private func path(_ section: Section, _ key: String, default: String) -> String {
        let text = section.text(section.optional(key), expected: "a path") ?? `default`
        return ConfigurationPath.absolute(text, in: folder)
    }

    /// Unix sockets have at most 107 bytes of path (sys/un.h); better said here than by a failing bind.
    private func checkSocketPaths(_ section: Section, _ runDir: String) {
        let longest = "/ingress-gateway-00.control".utf8.count
        guard runDir.utf8.count + longest > 107 else { return }
        let value = section.optional("run_dir") ?? section.value
        problems.report(
            line: value.node.mark?.line ?? 0, "run_dir",
            "\(runDir) is too long for Unix sockets in it; expected at most \(107 - longest) bytes")
    }

    private func refuseLiteralsOutsideLoopback(_ configuration: TributaryConfiguration, _ section: Section) {
        let places = [
            ("ingress.listen", configuration.ingress.listen), ("router.listen", configuration.router.listen),
        ]
        guard let (key, address) = places.first(where: { !($0.1?.isLoopback ?? true) }), let address else { return }
        for secret in Stage.allCases.flatMap(configuration.secrets(of:)) {
            guard case .literal = secret.place else { continue }
            problems.report(
                line: line(of: secret.keyPath, in: section), secret.keyPath,
                "literal: secrets are allowed only while \(key) is on loopback, and it is \(address); "
                    + "use env:NAME or file:PATH")
        }
    }

    /// The line of a key path that is known to exist.
    func line(of keyPath: String, in section: Section) -> Int {
        var node = section.value.node
        for part in keyPath.split(whereSeparator: { ".[]".contains($0) }) {
            guard let next = Int(part).flatMap({ node.sequence?[$0] }) ?? node.mapping?[String(part)] else { break }
            node = next
        }
        return node.mark?.line ?? 0
    }

    static func isName(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
    }

    /// A letter or `_`, then letters, digits and `_`.
    private static func isVariableName(_ text: String) -> Bool {
        text.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): index > 0
            default: false
            }
        }
    }
}
