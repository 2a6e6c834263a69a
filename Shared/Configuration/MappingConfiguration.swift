import Events
import JSON
import Providers

extension SourceConfiguration {
    /// Where the ids of elements come from that have none of the provider's.
    enum IDs: String, CaseIterable {
        case content, generated
    }

    /// Nil of a provider whose events all have one.
    var ids: IDs? {
        get { hasIDs ? nil : mapping.idsFromContent ? .content : .generated }
        set { mapping.idsFromContent = newValue != .generated }
    }

    private var hasIDs: Bool { !isGeneric && ProviderRegistry.provider(named: provider) != SuperVizProvider.self }

    /// A preset is a generic mapping with a name, which a source may replace.
    private var isGeneric: Bool {
        ProviderRegistry.provider(named: provider).map { $0 == GenericProvider.self || $0 is any PresetProvider.Type }
            ?? true
    }

    static func checkMapping(_ source: SourceConfiguration, _ section: Section) {
        if section.has("ids"), source.hasIDs {
            section.report("ids", "every event of \(source.provider) has an id already; remove ids")
        }
        if section.has("mapping"), !source.isGeneric {
            section.report(
                "mapping", "\(source.provider) has a mapping of its own; mapping is for provider: generic")
        }
    }
}

/// How events of a source are made where the provider leaves a choice; JSON Pointers (RFC 6901) are judged from the root
/// of each element.
extension PointerMapping {
    static let table = FieldTable<PointerMapping>(
        { PointerMapping() },
        rules: [
            { mapping, section in
                guard section.wrong.isEmpty else { return }
                for problem in mapping.problems() { report(problem, section) }
            }
        ],
        [
            Field(
                "elements", optional: \.elements, .pointer,
                "Where the array of elements lies, `\"\"` for the body itself; the body is one where it is left out."),
            Field("type", optional: \.type, .pointer, "The provider's type."),
            Field("id", optional: \.id, .pointer, "The event's id."),
            Field("time", optional: \.timePlace, TimePlace.kind, "When it happened."),
            Field(
                "subject", optional: \.subject, .subject,
                "Text with JSON Pointers in braces, such as `rooms/{/room/name}`."),
            Field("key", optional: \.partitionKey, .pointer, "The partition key."),
            Field("types", \.types, .types, "The provider's types and what they are here."),
            Field(
                "redact", \.redactions,
                .list(of: .text("a JSON Pointer, or a path such as **.email"), "JSON Pointers"),
                "Values that no subscriber may see."),
        ])

    /// Reports what the mapping itself says, `key: sentence`, at the key's line.
    private static func report(_ problem: String, _ section: Section) {
        let parts = problem.firstRange(of: ": ").map { (String(problem[..<$0.lowerBound]), problem[$0.upperBound...]) }
        let names = ["partition_key": "key", "redactions": "redact"]
        let key = parts.map { names[$0.0] ?? $0.0 } ?? ""
        section.report(key, section.has(key) ? parts.map { String($0.1) } ?? problem : problem)
    }

    fileprivate var timePlace: TimePlace? {
        get { time.map { TimePlace(pointer: $0, unit: timeUnit) } }
        set { (time, timeUnit) = (newValue?.pointer, newValue?.unit ?? .rfc3339) }
    }
}

/// Where an event's time is, and how it is written.
private struct TimePlace {
    var pointer = ""
    var unit = TimeUnit.rfc3339

    static let kind = FieldKind.either(
        scalar: FieldKind.pointer.converted({ TimePlace(pointer: $0) }, to: { $0.pointer }), otherwise: .object(table),
        isScalar: { $0.unit == .rfc3339 })

    private static let table = FieldTable<TimePlace>(
        { TimePlace() },
        [
            Field("pointer", \.pointer, .pointer, "Where it is.", required: "a JSON Pointer such as /created_at"),
            Field("unit", \.unit, .word, "How it is written."),
        ])
}

extension FieldKind where V == String {
    fileprivate static let pointer: FieldKind = {
        let expected = "a JSON Pointer, which begins with a slash, such as /room/name"
        return FieldKind(
            expected, schema: { _ in .string(pattern: "^(/[\\s\\S]*)?$") },
            read: { value, _ in
                // The empty pointer is the whole; only a quoted text says so, because an empty value says nothing.
                if let text = value.scalar, !value.isNull, isPointer(text) { return text }
                value.refuse(expected)
                return nil
            }, write: { pointer, _ in .string(pointer) })
    }()

    /// Text in which every brace holds a pointer.
    fileprivate static let subject = FieldKind.text(
        "text with JSON Pointers in braces, such as \"rooms/{/room/name}\""
    ) { text throws(WrongText) in
        var rest = Substring(text)
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[brace] == "{", let end = rest[brace...].firstIndex(of: "}"),
                isPointer(String(rest[rest.index(after: brace)..<end]))
            else { throw .unexpected }
            rest = rest[rest.index(after: end)...]
        }
    }

    /// RFC 6901: empty, or parts that each begin with a slash, in which `~` is written `~0` and a slash `~1`.
    private static func isPointer(_ text: String) -> Bool {
        if text.isEmpty { return true }
        guard text.hasPrefix("/") else { return false }
        return text.split(separator: "~", omittingEmptySubsequences: false).dropFirst().allSatisfy {
            $0.hasPrefix("0") || $0.hasPrefix("1")
        }
    }
}

extension FieldKind where V == [String: String] {
    /// Provider's types to canonical ones.
    fileprivate static let types: FieldKind = {
        let expected = "a mapping such as { room_started: session.started }"
        let type = FieldKind<String>.text("a canonical type such as session.started")
        return FieldKind(
            expected, schema: { .map(of: type.schema($0)) },
            read: { value, _ in
                guard value.isMapping else {
                    value.refuse(expected)
                    return nil
                }
                var types: [String: String] = [:]
                for (name, _, member) in value.members {
                    if let type = type.read(member, nil) { types[name] = CanonicalTypeName.short(type) }
                }
                return types
            },
            write: { types, _ in
                let members = types.sorted { $0.key < $1.key }
                return .object(members.map { JSONMember(name: $0.key, value: .string($0.value)) })
            })
    }()
}
