import Executable
import JSON

/// The keys of a configuration object, a row each, and the rules between them.
package struct FieldTable<Object: Sendable>: Sendable {
    /// A rule between fields. It runs when all fields were read, and reports at a key.
    typealias Rule = @Sendable (inout Object, Section) -> Void

    package let fields: [Field<Object>]
    /// The object with all defaults.
    let make: @Sendable () -> Object
    let rules: [Rule]

    init(_ make: @escaping @Sendable () -> Object, rules: [Rule] = [], _ fields: [Field<Object>]) {
        (self.make, self.rules, self.fields) = (make, rules, fields)
    }

    /// Each once, in the order of the rows.
    func keys(isDocument: Bool = false) -> [String] {
        var keys: [String] = []
        for field in fields where !(isDocument && field.isFileOnly) && !keys.contains(field.key) {
            keys.append(field.key)
        }
        return keys
    }

    var expected: String { "a mapping with \(keys().joined(separator: ", "))" }

    /// The keys that an object of a document may be written without.
    package var optionalKeys: [String] {
        let written = write(make(), .document)
        return keys(isDocument: true).filter { key in
            let rows = fields.filter { $0.key == key }
            return (written[key] == .null && !rows.contains { $0.required != nil && isWrittenAlways($0.only) })
                || !rows.contains { isWrittenAlways($0.only) }
        }
    }

    /// Whether a row means something beside every word that the other key can have.
    private func isWrittenAlways(_ only: OnlyWith?) -> Bool {
        guard let only else { return true }
        return only.isDefault && !fields.contains { $0.only?.key == only.key && $0.only?.words != only.words }
    }

    // MARK: Decoding

    /// Takes a mapping over into an object. False where something was reported that leaves the object unusable.
    func read(_ value: Value, into object: inout Object) -> Bool {
        guard let section = Section(value, keys: keys(isDocument: value.decoding.isDocument)) else { return false }
        for field in fields where field.only?.holds(section.word(field.only?.key)) ?? true {
            if let member = section[field.key] {
                section.noting(field.key) { field.read(&object, member) }
            } else if let expected = field.required, !(value.decoding.isDocument && field.isFileOnly) {
                section.missing(field.key, expected)
            }
        }
        for key in keys() where section.has(key) {
            let rows = fields.filter { $0.key == key }
            // Beside a word that is none, nothing can be said.
            guard let only = rows[0].only, !section.wrong.contains(only.key),
                !rows.contains(where: { $0.only?.holds(section.word($0.only?.key)) ?? true })
            else { continue }
            section.report(key, only.refusal(of: key))
        }
        for rule in rules { rule(&object, section) }
        return section.wrong.isEmpty
    }

    // MARK: Writing

    /// The members that an object is written with: all that have a value and a meaning.
    func write(_ object: Object, _ use: WritingUse) -> JSONValue {
        var members: [JSONMember] = []
        for field in fields where !(use == .document && field.isFileOnly) {
            if let only = field.only {
                let word = members.first { $0.name == only.key }?.value.text
                guard only.holds(word) else { continue }
            }
            if let value = field.write(object, use) { members.append(JSONMember(name: field.key, value: value)) }
        }
        return .object(members)
    }

    /// Everything that differs, in the order of the rows. `prefix` stands before each key.
    func changes(_ old: Object, _ new: Object, _ prefix: String, _ concern: Concern) -> [ConfigurationChange] {
        fields.flatMap { field in
            field.changes(old, new, prefix + field.key, field.concern(within: concern))
        }
    }

    /// The secrets in an object that a stage may read; `stages` are those that read the object.
    func secrets(_ object: Object, _ stage: Stage, _ stages: [Stage]) -> [SecretReference] {
        fields.flatMap { $0.secrets(object, stage, $0.stages ?? stages) }
    }

    // MARK: Describing

    /// The schemas of all keys.
    package func members(_ use: SchemaUse) -> [(String, JSONSchema)] {
        let written = write(make(), .file)
        return keys(isDocument: use != .file).map { key in
            let rows = fields.filter { $0.key == key }
            let schemas = rows.map { $0.schema(use).described($0.doc) }
            var schema = schemas.count == 1 ? schemas[0] : .anyOf(schemas)
            if use == .file, rows[0].required == nil, written[key].isScalar {
                schema = schema.with("default", written[key].json)
            }
            return (key, use == .patch ? schema.orNull : schema)
        }
    }

    /// The names of the members that must be there.
    package var required: [String] { fields.filter { $0.required != nil && isWrittenAlways($0.only) }.map(\.key) }

    package func schema(_ use: SchemaUse, _ doc: String = "") -> JSONSchema {
        let schema = JSONSchema.object(members(use), required: use == .patch ? [] : required, doc)
        let conditions = use == .file ? conditions : []
        return conditions.isEmpty ? schema : schema.with("allOf", .array(conditions))
    }

    /// For each key that means something only beside some word of another.
    private var conditions: [JSONText] {
        fields.compactMap { field in
            guard let only = field.only, fields.count(where: { $0.key == field.key }) == 1 else { return nil }
            var members = [("if", only.schema)]
            if field.required != nil { members.append(("then", .object(["required": .array([.string(field.key)])]))) }
            members.append(("else", .object(["properties": .object([(field.key, .bool(false))])])))
            return .object(members)
        }
    }

    /// The options of the command line for an object that lies at `place` in a document.
    package func options(_ place: [String] = []) -> [FieldOption] {
        var names: Set<String> = []
        return fields.filter { !$0.isFileOnly }.flatMap { $0.options(place) }.filter { names.insert($0.name).inserted }
    }

    /// The page about the object at `place`, and those about what is inside it.
    func pages(_ place: String) -> [ReferencePage] {
        let written = write(make(), .file)
        let rows = fields.map { field in
            ReferencePage.Row(
                key: field.key, value: field.expected,
                default: field.required != nil ? "required" : written[field.key].shown,
                doc: field.only.map { "\(field.doc) Only with `\($0.key): \($0.words.joined(separator: " or "))`." }
                    ?? field.doc,
                effect: field.effect)
        }
        return [ReferencePage(place: place, rows: rows)]
            + fields.flatMap { $0.pages(place.isEmpty ? $0.key : "\(place).\($0.key)") }
    }
}

extension Field {
    fileprivate func concern(within concern: Concern) -> Concern {
        Concern(stages: stages ?? concern.stages, effect: effect ?? concern.effect)
    }
}

extension Section {
    /// What another key says, as far as it is a word.
    fileprivate func word(_ key: String?) -> String? {
        key.flatMap { self[$0] }?.scalar
    }
}

extension JSONValue {
    fileprivate var isScalar: Bool {
        switch self {
        case .string, .number, .bool: true
        case .null, .array, .object: false
        }
    }

    /// For a cell of a table; nothing for what is too long.
    fileprivate var shown: String {
        isScalar && text.count <= 40 ? text : ""
    }
}
