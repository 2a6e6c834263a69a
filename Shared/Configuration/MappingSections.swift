import Events
import Providers
import Yams

/// How events of a source are made where the provider leaves a choice:
///
/// ```yaml
/// ids: content              # superviz, generic: elements without an id; content or generated
/// mapping:                  # generic: JSON Pointers (RFC 6901), judged from the root of each element
///   elements: /events       # where the array of elements lies; "" is the body itself; left out: the body is one
///   type: /event
///   id: /id
///   time: /created_at       # RFC 3339; or { pointer: /ts, unit: milliseconds }
///   subject: "rooms/{/room/name}/participants/{/participant/identity}"
///   key: /room/name         # the partition key
///   types: { room_started: session.started }
///   redact: [/stream_key]   # or paths such as users.*.email and **.email
/// ```
extension ConfigurationDecoder {
    private enum IDs: String, CaseIterable {
        case content, generated
    }

    func mapping(_ section: Section, provider: (any Provider.Type)?) -> MappingOptions {
        // A preset is a generic mapping with a name, which a source may replace.
        let isGeneric = provider.map { $0 == GenericProvider.self || $0 is any PresetProvider.Type } ?? true
        let ids = section.choice(section.optional("ids"), IDs.self, default: .content)
        if let value = section.optional("ids"), let provider, !isGeneric, provider != SuperVizProvider.self {
            problems.report(value, "every event of \(provider.name) has an id already; remove ids")
        }
        var pointers: PointerMapping?
        if let value = section.optional("mapping") {
            if let provider, !isGeneric {
                problems.report(value, "\(provider.name) has a mapping of its own; mapping is for provider: generic")
            }
            let reported = problems.errors.count
            pointers = pointerMapping(value)
            if problems.errors.count == reported { pointers?.problems().forEach { report($0, of: value) } }
        }
        return MappingOptions(idsFromContent: ids == .content, pointers: pointers)
    }

    /// Reports what the mapping itself says, `key: sentence`, at the key's line.
    private func report(_ problem: String, of mapping: Value) {
        let parts = problem.firstRange(of: ": ").map { (problem[..<$0.lowerBound], problem[$0.upperBound...]) }
        let names = ["partition_key": "key", "redactions": "redact"]
        let key = parts.map { names[String($0.0)] ?? String($0.0) } ?? ""
        guard let member = mapping.node.mapping?[key] else { return problems.report(mapping, problem) }
        problems.report(
            Value(node: member, keyPath: "\(mapping.keyPath).\(key)"), parts.map { String($0.1) } ?? problem)
    }

    private func pointerMapping(_ value: Value) -> PointerMapping? {
        let keys = ["elements", "type", "id", "time", "subject", "key", "types", "redact"]
        guard let part = Section(value, keys: keys, problems: problems) else { return nil }
        let time = time(part)
        return PointerMapping(
            elements: pointer(part.optional("elements"), part), type: pointer(part.optional("type"), part),
            id: pointer(part.optional("id"), part), time: time.pointer, timeUnit: time.unit,
            subject: subject(part), partitionKey: pointer(part.optional("key"), part), types: types(part),
            redactions: part.list("redact", of: "JSON Pointers").compactMap { value in
                part.text(value, expected: "a JSON Pointer, or a path such as **.email")
            })
    }

    private func time(_ part: Section) -> (pointer: String?, unit: TimeUnit) {
        guard let value = part.optional("time"), case .mapping = value.node else {
            return (pointer(part.optional("time"), part), .rfc3339)
        }
        guard let section = Section(value, keys: ["pointer", "unit"], problems: problems) else {
            return (nil, .rfc3339)
        }
        let pointer = pointer(section.required("pointer", expected: "a JSON Pointer such as /created_at"), section)
        return (pointer, section.choice(section.optional("unit"), TimeUnit.self, default: .rfc3339))
    }

    /// Text in which every brace holds a pointer.
    private func subject(_ part: Section) -> String? {
        let expected = "text with JSON Pointers in braces, such as \"rooms/{/room/name}\""
        guard let value = part.optional("subject"), let text = part.text(value, expected: expected) else { return nil }
        var rest = Substring(text)
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[brace] == "{", let end = rest[brace...].firstIndex(of: "}"),
                Self.isPointer(String(rest[rest.index(after: brace)..<end]))
            else {
                problems.report(value, "expected \(expected), found \"\(text)\"")
                return nil
            }
            rest = rest[rest.index(after: end)...]
        }
        return text
    }

    /// The provider's types and what they are in Tributary.
    private func types(_ part: Section) -> [String: String] {
        guard let value = part.optional("types") else { return [:] }
        guard case .mapping(let mapping) = value.node else {
            problems.report(value, "expected a mapping such as { room_started: session.started }, found \(value.kind)")
            return [:]
        }
        var types: [String: String] = [:]
        for (key, node) in mapping {
            let name = key.scalar?.string ?? ""
            let member = Value(node: node, keyPath: "\(value.keyPath).\(name)")
            let type = part.text(member, expected: "a canonical type such as session.started")
            if let type { types[name] = CanonicalTypeName.short(type) }
        }
        return types
    }

    private func pointer(_ value: Value?, _ part: Section) -> String? {
        guard let value else { return nil }
        // The empty pointer is the whole; only a quoted text says so, because an empty value says nothing.
        if case .scalar(let scalar) = value.node, !value.isNull, Self.isPointer(scalar.string) { return scalar.string }
        problems.report(
            value, "expected a JSON Pointer, which begins with a slash, such as /room/name, found \(value.kind)")
        return nil
    }

    /// RFC 6901: empty, or parts that each begin with a slash, in which `~` is written `~0` and a slash `~1`.
    static func isPointer(_ text: String) -> Bool {
        if text.isEmpty { return true }
        guard text.hasPrefix("/") else { return false }
        return text.split(separator: "~", omittingEmptySubsequences: false).dropFirst().allSatisfy {
            $0.hasPrefix("0") || $0.hasPrefix("1")
        }
    }
}
