package import Executable
import JSON

/// One key of a configuration object: everything that is known about it stands here, once.
package struct Field<Object: Sendable>: Sendable {
    package let key: String
    /// What it is, for people: descriptions of schemas, help texts, the reference page.
    package let doc: String
    /// What is expected where it is left out; nil: it may be.
    let required: String?
    /// Whether a subscription's document may not have it, because it would make the router read its own machine.
    let isFileOnly: Bool
    let only: OnlyWith?
    /// Whom it concerns and how; what is nil is as for the whole object.
    let stages: [Stage]?
    let effect: ConfigurationChange.Effect?
    let expected: String
    let schema: @Sendable (SchemaUse) -> JSONSchema
    /// Takes a value over into the object, or reports what is wrong with it.
    let read: @Sendable (inout Object, Value) -> Void
    let write: @Sendable (Object, WritingUse) -> JSONValue?
    let changes: @Sendable (Object, Object, String, Concern) -> [ConfigurationChange]
    let secrets: @Sendable (Object, Stage, [Stage]) -> [SecretReference]
    let options: @Sendable ([String]) -> [FieldOption]
    let pages: @Sendable (String) -> [ReferencePage]

    /// `required`: what is expected where it is left out. `option`: its option on the command line, where that is not its
    /// key; the keys of a nested object have one only where it is said here. `base`: what the value inherits from, where
    /// that is not the object's own value.
    package init<V>(
        _ key: String, _ path: any WritableKeyPath<Object, V> & Sendable, _ kind: FieldKind<V>, _ doc: String,
        required: String? = nil, only: OnlyWith? = nil, fileOnly isFileOnly: Bool = false, stages: [Stage]? = nil,
        effect: ConfigurationChange.Effect? = nil, option: String? = nil, base: (@Sendable (Object) -> V)? = nil
    ) {
        (self.key, self.doc, self.required, self.only, self.isFileOnly) = (key, doc, required, only, isFileOnly)
        (self.stages, self.effect, expected, schema) = (stages, effect, kind.expected, kind.schema)
        read = { object, value in
            if let new = kind.read(value, base?(object) ?? object[keyPath: path]) { object[keyPath: path] = new }
        }
        write = { kind.write($0[keyPath: path], $1) }
        changes = { kind.differences($0[keyPath: path], $1[keyPath: path], $2, $3) }
        secrets = { kind.secrets($0[keyPath: path], $1, $2) }
        pages = kind.pages
        options = { place in
            let own = kind.option.flatMap { form -> FieldOption? in
                let name = option ?? (place.isEmpty ? key.replacing("_", with: "-") : nil)
                return name.map {
                    FieldOption(name: $0, path: place + [key], form: form, doc: doc, expected: kind.expected)
                }
            }
            return (own.map { [$0] } ?? []) + kind.options(place + [key])
        }
    }

    /// The same for a value that may be missing.
    package init<V>(
        _ key: String, optional path: any WritableKeyPath<Object, V?> & Sendable, _ kind: FieldKind<V>, _ doc: String,
        required: String? = nil, only: OnlyWith? = nil, fileOnly: Bool = false, stages: [Stage]? = nil,
        effect: ConfigurationChange.Effect? = nil, option: String? = nil, base: (@Sendable (Object) -> V?)? = nil
    ) {
        self.init(
            key, path, kind.optional, doc, required: required, only: only, fileOnly: fileOnly, stages: stages,
            effect: effect, option: option, base: base)
    }

    private init<Part>(
        _ field: Field<Part>, only: OnlyWith, stages own: [Stage]?, get: @escaping @Sendable (Object) -> Part?,
        set: @escaping @Sendable (inout Object, Part) -> Void
    ) {
        (key, doc, required, isFileOnly) = (field.key, field.doc, field.required, field.isFileOnly)
        (stages, effect, expected, schema) = (field.stages ?? own, field.effect, field.expected, field.schema)
        self.only = only
        read = { object, value in
            guard var part = get(object) else { return }
            field.read(&part, value)
            set(&object, part)
        }
        write = { object, use in get(object).flatMap { field.write($0, use) } }
        changes = { old, new, key, concern in
            if let old = get(old), let new = get(new) { return field.changes(old, new, key, concern) }
            guard get(old) != nil || get(new) != nil else { return [] }
            return [ConfigurationChange("\(key) changed", concern.stages, concern.effect)]
        }
        secrets = { object, stage, stages in get(object).map { field.secrets($0, stage, stages) } ?? [] }
        (options, pages) = (field.options, field.pages)
    }

    /// The same key in an object that has the other one as a part, where `only` holds. `stages`: those that read it there.
    func lifted<Whole>(
        only: OnlyWith, stages: [Stage]? = nil, get: @escaping @Sendable (Whole) -> Object?,
        set: @escaping @Sendable (inout Whole, Object) -> Void
    ) -> Field<Whole> {
        Field<Whole>(self, only: only, stages: stages, get: get, set: set)
    }
}

/// That a key means something only while another key of the same object is one of some words.
package struct OnlyWith: Sendable {
    let key: String
    let words: [String]
    /// Whether it means something while the other key is left out.
    let isDefault: Bool
    /// What is said where it means nothing; nil: that it belongs to the word.
    let refusal: String?

    package init(_ key: String, _ words: String..., isDefault: Bool = false, refusal: String? = nil) {
        (self.key, self.words, self.isDefault, self.refusal) = (key, words, isDefault, refusal)
    }

    func holds(_ word: String?) -> Bool { word.map(words.contains) ?? isDefault }

    func refusal(of key: String) -> String {
        refusal ?? "\(key) belongs to \(self.key): \(words.joined(separator: " or ")); remove it"
    }

    /// Of the object that holds both keys.
    var schema: JSONText {
        let words = JSONText.object(["enum": .array(words.map(JSONText.string))])
        var members: [(String, JSONText)] = [("properties", .object([(key, words)]))]
        if !isDefault { members.append(("required", .array([.string(key)]))) }
        return .object(members)
    }
}

/// An option of the command line for one key of a document.
package struct FieldOption: Sendable {
    package enum Form: Sendable {
        case text, number
        /// May be repeated.
        case list
    }

    /// Without the dashes.
    package let name: String
    /// The names on the way to the key.
    package let path: [String]
    package let form: Form
    package let doc: String
    /// What it takes, such as `a whole number from 1 to 1000`.
    package let expected: String

    package init(name: String, path: [String], form: Form, doc: String, expected: String) {
        (self.name, self.path, self.form, self.doc, self.expected) = (name, path, form, doc, expected)
    }
}
