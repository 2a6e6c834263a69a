package import Executable
import JSON
import Primitives

/// For whom a schema is.
package enum SchemaUse: Sendable {
    /// The configuration file, in an editor.
    case file
    /// A document of the control API.
    case document
    /// A merge patch (RFC 7396) of such a document: nothing must be there, and null takes a member away.
    case patch
}

/// What a value is written for.
package enum WritingUse: Sendable {
    /// The configuration file; secrets as references, of a literal only that it is one.
    case file
    /// A document of the control API, without secrets and without what only the file may say.
    case document
    /// To be compared with another; never shown, because it holds literal secrets.
    case comparison
}

/// Whom a key concerns and what it takes until a change of it counts.
package struct Concern: Sendable {
    package let stages: [Stage]
    package let effect: ConfigurationChange.Effect
}

/// What the values of a key are: how they are decoded, written, compared and described. Kinds of whole objects are made
/// out of their tables.
package struct FieldKind<V: Sendable>: Sendable {
    /// Such as `a path`: for errors, and for the reference page.
    let expected: String
    var schema: @Sendable (SchemaUse) -> JSONSchema
    /// The value of a node; nil after a report. Whatever the node leaves out is as in the second argument, or the default.
    var read: @Sendable (Value, V?) -> V?
    /// As the file writes it; nil where it is written by leaving the key out.
    let write: @Sendable (V, WritingUse) -> JSONValue?
    /// What a difference shows, where that is not what the file says.
    var text: (@Sendable (V) -> String?)?
    /// The differences of two values under a key that is the third argument; nil: one for the whole value.
    var changes: (@Sendable (V, V, String, Concern) -> [ConfigurationChange])?
    /// The secrets in a value that a stage may read. The last argument: the stages that read the value.
    var secrets: @Sendable (V, Stage, [Stage]) -> [SecretReference] = { _, _, _ in [] }
    /// The options of the command line for what is inside it.
    var options: @Sendable ([String]) -> [FieldOption] = { _ in [] }
    /// What an option for the value itself takes; nil: there is none.
    var option: FieldOption.Form?
    /// The pages about what is inside it, the place given.
    var pages: @Sendable (String) -> [ReferencePage] = { _ in [] }

    init(
        _ expected: String, schema: @escaping @Sendable (SchemaUse) -> JSONSchema,
        read: @escaping @Sendable (Value, V?) -> V?, write: @escaping @Sendable (V, WritingUse) -> JSONValue?
    ) {
        self.expected = expected
        self.schema = schema
        self.read = read
        self.write = write
    }

    /// The same kind, changed.
    func with<Part>(_ part: WritableKeyPath<FieldKind, Part>, _ value: Part) -> FieldKind {
        var kind = self
        kind[keyPath: part] = value
        return kind
    }

    /// The same kind, with what a difference shows.
    func shown(_ text: @escaping @Sendable (V) -> String?) -> FieldKind { with(\.text, text) }

    /// The same kind for a key that may be left out.
    var optional: FieldKind<V?> {
        var kind = FieldKind<V?>(
            expected, schema: schema, read: { read($0, $1 ?? nil).map { $0 } },
            write: { value, use in value.flatMap { write($0, use) } })
        if let text { kind.text = { $0.map(text) ?? "none" } }
        kind.secrets = { value, stage, stages in value.map { secrets($0, stage, stages) } ?? [] }
        kind.options = options
        kind.option = option
        kind.pages = pages
        return kind
    }

    /// The same kind whose values inherit from `base` what they leave out.
    func inheriting(_ base: @escaping @Sendable (Decoding) -> V) -> FieldKind {
        var kind = self
        kind.read = { [read] value, _ in read(value, base(value.decoding)) }
        return kind
    }

    /// The same kind whose values are noted for what is read later.
    func noted(_ note: @escaping @Sendable (V, Decoding) -> Void) -> FieldKind {
        var kind = self
        kind.read = { [read] value, base in
            let read = read(value, base)
            if let read { note(read, value.decoding) }
            return read
        }
        return kind
    }

    /// The difference of two values of a key. `key`: with what stands before it, such as `ingress.listen`.
    func differences(_ old: V, _ new: V, _ key: String, _ concern: Concern) -> [ConfigurationChange] {
        if let changes { return changes(old, new, key, concern) }
        guard write(old, .comparison) != write(new, .comparison) else { return [] }
        let (before, after) = (words(old), words(new))
        let isShown = before != nil && after != nil && before != after
        let sentence = isShown ? "\(key): \(before ?? "") → \(after ?? "")" : "\(key) changed"
        return [ConfigurationChange(sentence, concern.stages, concern.effect)]
    }

    /// Short values are shown, others only named: nil.
    private func words(_ value: V) -> String? {
        if let text { return text(value) }
        switch write(value, .file) {
        case nil, .null: return "none"
        case .array(let elements):
            let texts = elements.map(\.text)
            return texts.isEmpty ? "none" : texts.contains("") ? nil : texts.joined(separator: ", ")
        case .some(let value): return value.text.isEmpty ? nil : value.text
        }
    }
}

/// Why a text is not what it should be.
enum WrongText: Error {
    /// What was expected says it all.
    case unexpected
    case because(String)
    /// In place of everything else.
    case sentence(String)
}

// MARK: - Kinds of single values

extension FieldKind {
    /// A text with a meaning.
    static func parsed(
        _ expected: String, schema: JSONSchema = .string(length: 1...4096), numbersToo: Bool = false,
        _ parse: @escaping @Sendable (String) throws(WrongText) -> V, write: @escaping @Sendable (V) -> String
    ) -> FieldKind {
        var kind = FieldKind(
            expected, schema: { _ in schema },
            read: { value, _ in
                guard let text = value.text(expected, numbersToo: numbersToo) else { return nil }
                do throws(WrongText) {
                    return try parse(text)
                } catch {
                    switch error {
                    case .unexpected: value.report("expected \(expected), found \"\(text)\"")
                    case .because(let reason): value.report("expected \(expected), found \"\(text)\": \(reason)")
                    case .sentence(let sentence): value.report(sentence)
                    }
                    return nil
                }
            },
            write: { value, _ in
                let text = write(value)
                return text.isEmpty ? nil : .string(text)
            })
        kind.option = .text
        return kind
    }
}

extension FieldKind where V == String {
    /// Any text that is not empty. `check` throws what is wrong with it.
    static func text(
        _ expected: String, length: ClosedRange<Int> = 1...4096, pattern: String? = nil,
        _ check: @escaping @Sendable (String) throws(WrongText) -> Void = { _ in }
    ) -> FieldKind {
        .parsed(
            expected, schema: .string(pattern: pattern, length: pattern == nil ? length : nil),
            { text throws(WrongText) in
                try check(text)
                return text
            }, write: { $0 })
    }

    /// 1 to 63 characters of a-z, 0-9 and `-`. `unique`: what it names, each with a name of its own.
    static func name(_ expected: String = "a name of 1 to 63 characters a-z, 0-9 and -", unique: String? = nil)
        -> FieldKind
    {
        let plain = FieldKind.text(expected, pattern: "^[a-z0-9-]{1,63}$") { text throws(WrongText) in
            if !ConfigurationName.isName(text) { throw .unexpected }
        }
        guard let unique else { return plain }
        return FieldKind(
            expected, schema: plain.schema,
            read: { value, base in
                guard let name = plain.read(value, base) else { return nil }
                if let first = value.decoding.take(name, of: unique, line: value.line) {
                    value.report("the \(unique) \"\(name)\" is already defined in line \(first); names are unique")
                }
                return name
            }, write: plain.write)
    }

    /// A path, absolute when it was read.
    static let path = FieldKind(
        "a path", schema: { _ in .string(length: 1...4096) },
        read: { value, _ in
            value.text("a path").map { ConfigurationPath.absolute($0, in: value.decoding.folder) }
        }, write: { path, _ in .string(path) })
}

extension FieldKind where V == Int {
    /// A whole number, written plainly.
    static func integer(_ range: ClosedRange<Int>) -> FieldKind {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return FieldKind(
            expected, schema: { _ in .integer(in: Int64(range.lowerBound)...Int64(range.upperBound)) },
            read: { value, _ in
                // In a document 12642.0 is a whole number, because its schema says so; in the file it is a slip.
                guard let text = value.plain,
                    let number = Int(text)
                        ?? (value.decoding.isDocument ? WholeNumber.value(text) : nil).map(Int.init),
                    range.contains(number)
                else {
                    value.refuse(expected)
                    return nil
                }
                return number
            }, write: { number, _ in .number("\(number)") }
        ).with(\.option, .number)
    }
}

extension FieldKind where V == Double {
    /// Any finite number.
    static let number = FieldKind(
        "a number", schema: { _ in .number() },
        read: { value, _ in
            guard let text = value.decoding.isDocument ? value.plain : value.scalar, let number = Double(text),
                number.isFinite
            else {
                value.refuse("a number")
                return nil
            }
            return number
        }, write: { number, _ in .number("\(number)") })
}

extension FieldKind where V == Bool {
    /// `true` or `false`, written plainly.
    static let boolean = FieldKind(
        "true or false", schema: { _ in .boolean },
        read: { value, _ in
            switch value.plain {
            case "true": return true
            case "false": return false
            default:
                value.refuse("true or false")
                return nil
            }
        }, write: { truth, _ in .bool(truth) })
}

extension FieldKind where V == Duration {
    /// A duration within a range, such as `250ms`.
    static func duration(_ range: ClosedRange<Duration>) -> FieldKind {
        let bounds = "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
        return FieldKind(
            "a duration from \(bounds)",
            schema: { _ in .string(pattern: "^[0-9]{1,10}(ms|s|m|h|d)$") },
            read: { value, _ in
                let text = value.isNull ? nil : value.scalar
                guard let duration = text.flatMap(DurationText.parse), range.contains(duration) else {
                    value.refuse("a duration from \(bounds) such as 250ms, 5s, 10m or 2h")
                    return nil
                }
                return duration
            }, write: { duration, _ in .string(DurationText.text(duration)) }
        ).with(\.option, .text)
    }
}

extension FieldKind where V: RawRepresentable<String> & CaseIterable {
    /// One of the cases of an enumeration.
    static var word: FieldKind {
        .oneOf(V.allCases.map(\.rawValue), V.init, write: \.rawValue)
    }
}

extension FieldKind {
    /// What one of some words stands for.
    static func oneOf(
        _ words: [String], _ parse: @escaping @Sendable (String) -> V?, write: @escaping @Sendable (V) -> String
    ) -> FieldKind {
        let expected = "one of \(words.joined(separator: ", "))"
        return FieldKind(
            expected, schema: { _ in .string(oneOf: words) },
            read: { value, _ in
                guard let text = value.text(expected) else { return nil }
                if let word = parse(text) { return word }
                let hint = Suggestion.nearest(to: text, among: words).map { "; did you mean \"\($0)\"?" } ?? ""
                value.report("expected \(expected), found \(value.kind)\(hint)")
                return nil
            }, write: { word, _ in .string(write(word)) }
        ).with(\.option, .text)
    }
}
