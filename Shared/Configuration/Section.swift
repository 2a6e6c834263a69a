import JSON
import Primitives
import Yams

/// Collects everything that is wrong, so that a file is put right in one go.
final class Problems {
    let file: String
    /// Whether it is JSON from the control API: places are JSON Pointers (RFC 6901), and a number is no text.
    let isDocument: Bool
    private(set) var errors: [ConfigurationError] = []

    init(file: String, isDocument: Bool = false) {
        self.file = file
        self.isDocument = isDocument
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

    /// Adds an error at a node's line.
    func report(_ value: Value, _ sentence: String) {
        report(line: value.node.mark?.line ?? 0, value.keyPath, sentence)
    }

    /// Adds an error at a line.
    func report(line: Int, _ keyPath: String, _ sentence: String) {
        errors.append(.init(file: file, line: line, keyPath: keyPath, sentence: sentence))
    }
}

/// One value of the file and the way to it.
struct Value {
    let node: Node
    let keyPath: String

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
}

/// A mapping of the file whose keys are all known. Every accessor reports what is wrong and then returns nil or the
/// default, so that decoding always goes on to the end.
struct Section {
    let value: Value
    let problems: Problems
    private var members: [String: Value] = [:]

    /// Reports and returns nil when the value is no mapping; reports every key that is not among `keys`.
    init?(_ value: Value, keys: [String], problems: Problems) {
        guard case .mapping(let mapping) = value.node else {
            problems.report(value, "expected a mapping with \(keys.joined(separator: ", ")), found \(value.kind)")
            return nil
        }
        self.value = value
        self.problems = problems
        for (key, member) in mapping {
            let name = key.scalar?.string ?? ""
            let path = problems.member(name, of: value.keyPath)
            guard keys.contains(name) else {
                let line = key.mark?.line ?? 0
                problems.report(line: line, path, "unknown key; \(Suggestion.hint(for: name, among: keys))")
                continue
            }
            members[name] = Value(node: member, keyPath: path)
        }
    }

    /// A mapping without members, for a key that was left out.
    init(emptyAt keyPath: String, problems: Problems) {
        value = Value(node: Node([(Node, Node)]()), keyPath: keyPath)
        self.problems = problems
    }

    /// The value of a key that may be left out.
    func optional(_ key: String) -> Value? {
        members[key]
    }

    /// The value of a key that must be there.
    func required(_ key: String, expected: String) -> Value? {
        if let member = members[key] { return member }
        let path = problems.member(key, of: value.keyPath)
        problems.report(line: value.node.mark?.line ?? 0, path, "missing; expected \(expected)")
        return nil
    }

    /// A text that is not empty. In JSON a number counts only where `numbersToo` says so.
    func text(_ member: Value?, expected: String, numbersToo: Bool = false) -> String? {
        guard let member else { return nil }
        guard case .scalar(let scalar) = member.node, !member.isNull, !scalar.string.isEmpty,
            !problems.isDocument || scalar.style != .plain || (numbersToo && Double(scalar.string) != nil)
        else {
            problems.report(member, "expected \(expected), found \(member.kind)")
            return nil
        }
        return scalar.string
    }

    /// A whole number within a range, written plainly.
    func integer(_ key: String, default: Int, in range: ClosedRange<Int>) -> Int {
        guard let member = members[key] else { return `default` }
        guard case .scalar(let scalar) = member.node, scalar.style == .plain,
            // In a document 12642.0 is a whole number, because its schema says so; in the file it is a slip.
            let number = Int(scalar.string)
                ?? (problems.isDocument ? WholeNumber.value(scalar.string) : nil).map(Int.init),
            range.contains(number)
        else {
            problems.report(
                member,
                "expected a whole number from \(range.lowerBound) to \(range.upperBound), found \(member.kind)")
            return `default`
        }
        return number
    }

    /// `true` or `false`, written plainly.
    func boolean(_ key: String, default: Bool) -> Bool {
        guard let member = members[key] else { return `default` }
        switch member.node.scalar.map({ $0.style == .plain ? $0.string : "" }) {
        case "true": return true
        case "false": return false
        default:
            problems.report(member, "expected true or false, found \(member.kind)")
            return `default`
        }
    }

    /// A duration within a range, such as `250ms`.
    func duration(_ key: String, default: Duration, in range: ClosedRange<Duration>) -> Duration {
        members[key].flatMap { duration($0, in: range) } ?? `default`
    }

    /// The same for a value at hand; nil when it is wrong.
    func duration(_ member: Value, in range: ClosedRange<Duration>) -> Duration? {
        let text = member.isNull ? nil : member.node.scalar?.string
        guard let duration = text.flatMap(DurationText.parse), range.contains(duration) else {
            let bounds = "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
            problems.report(
                member, "expected a duration from \(bounds) such as 250ms, 5s, 10m or 2h, found \(member.kind)")
            return nil
        }
        return duration
    }

    /// One of the cases of an enumeration, by its raw value.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ member: Value?, _ choices: Choice.Type, default: Choice
    ) -> Choice where Choice.RawValue == String {
        guard let member else { return `default` }
        let valid = Choice.allCases.map(\.rawValue)
        guard let text = text(member, expected: "one of \(valid.joined(separator: ", "))") else { return `default` }
        if let choice = Choice(rawValue: text) { return choice }
        problems.report(
            member,
            "expected one of \(valid.joined(separator: ", ")), found \(member.kind)"
                + (Suggestion.nearest(to: text, among: valid).map { "; did you mean \"\($0)\"?" } ?? ""))
        return `default`
    }

    /// Reports a list that is left out or empty.
    func requireElements(_ key: String, expected: String) {
        guard let member = required(key, expected: expected) else { return }
        if case .sequence(let sequence) = member.node, sequence.isEmpty {
            problems.report(member, "expected \(expected), found an empty list")
        }
    }

    /// The elements of a list; none when the key is left out.
    func list(_ key: String, of expected: String) -> [Value] {
        guard let member = members[key] else { return [] }
        guard case .sequence(let sequence) = member.node else {
            problems.report(member, "expected a list of \(expected), found \(member.kind)")
            return []
        }
        return sequence.enumerated().map {
            Value(node: $0.element, keyPath: problems.element($0.offset, of: member.keyPath))
        }
    }
}
