import JSON
import Yams

/// One reading of a configuration file, or of a subscription's document from the control API: what its values may refer
/// to, and everything that is wrong with it, so that it is put right in one go.
final class Decoding {
    let file: String
    /// Whether it is JSON from the control API: places are JSON Pointers (RFC 6901), a number is no text, and secrets are
    /// no part of it.
    let isDocument: Bool
    /// Relative paths of the file start here.
    let folder: String
    private(set) var errors: [ConfigurationError] = []
    /// The names of all sources, also of those that have something wrong; what refers to them is still right.
    var sources: [String] = []
    /// Those parts of the file that later ones depend on, as far as they were read.
    var ingress = IngressConfiguration()
    var router = RouterConfiguration()
    /// The names of the sources whose webhooks are fetched.
    var connected: Set<String> = []
    /// The lines of names that must be unique, by what they name.
    private var taken: [String: [String: Int]] = [:]

    init(file: String, isDocument: Bool = false) {
        self.file = file
        self.isDocument = isDocument
        folder = ConfigurationPath.folder(of: file)
    }

    /// The way to a member of the mapping at `path`.
    func member(_ name: String, of path: String) -> String {
        guard isDocument else { return path.isEmpty ? name : "\(path).\(name)" }
        let escaped = name.split(separator: "~", omittingEmptySubsequences: false).joined(separator: "~0")
        return "\(path)/" + escaped.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~1")
    }

    /// The way to an element of the list at `path`.
    func element(_ index: Int, of path: String) -> String {
        isDocument ? "\(path)/\(index)" : "\(path)[\(index)]"
    }

    /// Adds an error at a line.
    func report(line: Int, _ keyPath: String, _ sentence: String) {
        errors.append(.init(file: file, line: line, keyPath: keyPath, sentence: sentence))
    }

    /// Takes a name; the line where it was taken before, if it was.
    func take(_ name: String, of what: String, line: Int) -> Int? {
        if let first = taken[what]?[name] { return first }
        taken[what, default: [:]][name] = line
        return nil
    }
}

/// One value of the file and the way to it.
struct Value {
    let node: Node
    let keyPath: String
    let decoding: Decoding

    var line: Int { node.mark?.line ?? 0 }

    /// What a person would call this kind of value.
    var kind: String {
        switch node {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        case .scalar(let scalar) where isNull || scalar.string.isEmpty: "nothing"
        case .scalar(let scalar) where scalar.style == .plain: "\"\(scalar.string)\""
        case .scalar(let scalar): "the text \"\(scalar.string)\" in quotes"
        }
    }

    /// Whether a key was written without a value.
    var isNull: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    var isMapping: Bool { node.mapping != nil }

    func report(_ sentence: String) {
        decoding.report(line: line, keyPath, sentence)
    }

    /// The text of anything but a list or mapping, quoted or not.
    var scalar: String? { node.scalar?.string }

    /// Reports what was expected instead.
    func refuse(_ expected: String) {
        report("expected \(expected), found \(kind)")
    }

    /// A text that is not empty, or nil after a report. In JSON a number counts only where `numbersToo` says so.
    func text(_ expected: String, numbersToo: Bool = false) -> String? {
        guard case .scalar(let scalar) = node, !isNull, !scalar.string.isEmpty,
            !decoding.isDocument || scalar.style != .plain || (numbersToo && Double(scalar.string) != nil)
        else {
            refuse(expected)
            return nil
        }
        return scalar.string
    }

    /// What was written without quotes; nil for anything else.
    var plain: String? { node.scalar.flatMap { $0.style == .plain ? $0.string : nil } }

    /// The elements of a list; nil for anything else.
    var elements: [Value]? {
        node.sequence?.enumerated().map {
            Value(node: $0.element, keyPath: decoding.element($0.offset, of: keyPath), decoding: decoding)
        }
    }

    /// The members of a mapping with their names, in the order of the file.
    var members: [(name: String, line: Int, value: Value)] {
        node.mapping?.map { key, node in
            let name = key.scalar?.string ?? ""
            let value = Value(node: node, keyPath: decoding.member(name, of: keyPath), decoding: decoding)
            return (name, key.mark?.line ?? 0, value)
        } ?? []
    }

    /// The member of a mapping.
    subscript(_ name: String) -> Value? { members.first { $0.name == name }?.value }
}

/// A mapping of the file that a table reads.
final class Section {
    let value: Value
    private let members: [String: Value]
    /// Keys about which something was reported.
    private(set) var wrong: Set<String> = []

    /// Nil after a report where the value is no mapping; reports every key that is not among `keys`.
    init?(_ value: Value, keys: [String]) {
        guard value.isMapping else {
            value.refuse("a mapping with \(keys.joined(separator: ", "))")
            return nil
        }
        self.value = value
        var members: [String: Value] = [:]
        for (name, line, member) in value.members {
            if keys.contains(name) {
                members[name] = member
            } else {
                value.decoding.report(
                    line: line, member.keyPath, "unknown key; \(Suggestion.hint(for: name, among: keys))")
            }
        }
        self.members = members
    }

    var decoding: Decoding { value.decoding }

    subscript(_ key: String) -> Value? { members[key] }

    func has(_ key: String) -> Bool { members[key] != nil }

    /// Whether a key is there and nothing was reported about it.
    func isRight(_ key: String) -> Bool { has(key) && !wrong.contains(key) }

    /// Reports at a key, or at the whole mapping where it is left out.
    func report(_ key: String, _ sentence: String) {
        wrong.insert(key)
        (members[key] ?? value).report(sentence)
    }

    /// Reports at a place somewhere inside, which is known to be there.
    func report(at keyPath: String, _ sentence: String) {
        var node = value.node
        for part in keyPath.split(whereSeparator: { ".[]".contains($0) }) {
            guard let next = Int(part).flatMap({ node.sequence?[$0] }) ?? node.mapping?[String(part)] else { break }
            node = next
        }
        decoding.report(line: node.mark?.line ?? 0, keyPath, sentence)
    }

    /// Reports that a key is left out.
    func missing(_ key: String, _ expected: String) {
        wrong.insert(key)
        decoding.report(line: value.line, decoding.member(key, of: value.keyPath), "missing; expected \(expected)")
    }

    /// Reports a list that is left out or empty.
    func requireElements(_ key: String, _ expected: String) {
        guard let member = self[key] else { return missing(key, expected) }
        if member.elements?.isEmpty == true { report(key, "expected \(expected), found an empty list") }
    }

    /// Runs `read` and notes whether it reported something about the key.
    func noting(_ key: String, _ read: () -> Void) {
        let reported = decoding.errors.count
        read()
        if decoding.errors.count > reported { wrong.insert(key) }
    }
}
