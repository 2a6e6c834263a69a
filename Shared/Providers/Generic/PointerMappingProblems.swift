extension PointerMapping {
    /// Every reason why this mapping cannot be carried out, as sentences for whoever wrote the configuration, each behind
    /// the key that it is about; none: the mapping is sound.
    package func problems() -> [String] {
        var problems: [String] = []
        for (name, pointer) in [("type", type), ("id", id), ("time", time), ("key", partitionKey)] {
            if let pointer, let problem = Self.problem(ofPointer: pointer) { problems.append("\(name): \(problem)") }
        }
        if let elements, !elements.isEmpty, let problem = Self.problem(ofPointer: elements) {
            problems.append("elements: \(problem)")
        }
        if let subject { problems += Self.problems(ofSubject: subject).map { "subject: \($0)" } }
        if type == nil, !types.isEmpty {
            problems.append("types: there is no `type` that says where the provider's type is, so no line can apply")
        }
        for (providerType, canonical) in types.sorted(by: { $0.key < $1.key }) {
            if let problem = Self.problem(ofType: canonical) { problems.append("types: \(providerType): \(problem)") }
        }
        for redaction in redactions {
            if let problem = Self.problem(ofRedaction: redaction) { problems.append("redact: \(problem)") }
        }
        return problems
    }

    private static func problem(ofPointer pointer: String) -> String? {
        guard pointer.hasPrefix("/") else {
            return "\"\(pointer)\" is no JSON Pointer (RFC 6901): it begins with a slash, as in /event/type"
        }
        var rest = pointer.utf8[...]
        while let tilde = rest.firstIndex(of: UInt8(ascii: "~")) {
            let next = rest.index(after: tilde)
            guard next < rest.endIndex, rest[next] == UInt8(ascii: "0") || rest[next] == UInt8(ascii: "1") else {
                return "\"\(pointer)\" is no JSON Pointer (RFC 6901): a tilde is written ~0, a slash in a name ~1"
            }
            rest = rest[rest.index(after: next)...]
        }
        return nil
    }

    private static func problems(ofSubject subject: String) -> [String] {
        if subject.isEmpty { return ["it is empty; leave it out where events have no subject"] }
        if subject.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) {
            return ["it has a control character, which no CloudEvents attribute may have"]
        }
        var problems: [String] = []
        var rest = subject[...]
        while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else {
                return problems + ["\"\(subject)\" has a brace without its partner"]
            }
            if let problem = problem(ofPointer: String(rest[rest.index(after: open)..<close])) {
                problems.append(problem)
            }
            rest = rest[rest.index(after: close)...]
        }
        return problems
    }

    private static func problem(ofType canonical: String) -> String? {
        if CanonicalVocabulary.contains(canonical) { return nil }
        if canonical.hasPrefix(MappedType.prefix) {
            return "canonical types are written without the prefix \(MappedType.prefix)"
        }
        let family = canonical.prefix { $0 != "." }
        guard let known = CanonicalVocabulary.family(named: String(family)) else {
            let families = CanonicalVocabulary.families.map(\.name).joined(separator: ", ")
            return "\"\(canonical)\" is no canonical type; the families are \(families)"
        }
        return "\"\(canonical)\" is no canonical type; of this family are "
            + known.types.map(\.name).joined(separator: ", ")
    }

    private static func problem(ofRedaction path: String) -> String? {
        if path.isEmpty { return "an empty path would hide nothing" }
        if path.hasPrefix("/") { return problem(ofPointer: path) }
        let steps = path.split(separator: ".", omittingEmptySubsequences: false)
        let isAnyDepth = steps.count == 2 && steps[0] == "**" && steps[1] != "*"
        guard steps.allSatisfy({ !$0.isEmpty }), isAnyDepth || !steps.contains("**") else {
            return "\"\(path)\" is neither a JSON Pointer nor a path such as user.email, users.*.email or **.email"
        }
        return nil
    }
}
