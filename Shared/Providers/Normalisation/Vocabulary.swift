package import JSON
import Primitives
package import Providers
package import SimdJSON

/// A provider's vocabulary made ready for one thread: it reads a body once and answers what each event is called, what
/// it is about, and when it happened. Results are valid until the next `read`.
package final class Vocabulary {
    /// One step of a subject: text, then a field, or text alone.
    private struct Step {
        let text: [UInt8]
        let field: [Int]?
    }

    private struct Entry {
        let canonicalType: [UInt8]
        let subject: [Step]
        let partitionKey: [Int]
        let id: [Step]
        let time: [Int]
    }

    private static let unmappedType = Array((MappedType.prefix + MappedType.unmapped).utf8)

    package let reader: JSONReader
    private let index: ByteIndex
    private let entries: [Entry]
    private let unmapped: [(subject: [Step], partitionKey: [Int])]
    private let slots: [String: Int]

    /// `aliases` names the paths to try for a field, best first; a field without alias is its own path. `unmapped`
    /// are subjects for what the vocabulary does not name, or names without its fields being there: the first that
    /// has its first field is taken. `extraFields` are read besides.
    package init(
        types: [MappedType], unmapped: [MappedType], extraFields: [String], aliases: [String: [String]],
        credentials: Credentials
    ) {
        var slots: [String: Int] = [:]
        var paths: [String] = []
        func slot(_ path: String) -> Int {
            if let known = slots[path] { return known }
            slots[path] = paths.count
            paths.append(path)
            return paths.count - 1
        }
        func field(_ name: String) -> [Int] { name.isEmpty ? [] : (aliases[name] ?? [name]).map(slot) }
        for path in extraFields { _ = slot(path) }
        entries = types.map { type in
            Entry(
                canonicalType: Array((MappedType.prefix + type.canonicalType).utf8),
                subject: Self.steps(type.subject, field), partitionKey: field(type.partitionKey),
                id: Self.steps(type.id ?? "", field), time: field(type.time ?? ""))
        }
        self.unmapped = unmapped.map { (Self.steps($0.subject, field), field($0.partitionKey)) }
        index = ByteIndex(types.map { Array($0.providerType.utf8) })
        reader = JSONReader(fields: paths, credentials: credentials)
        self.slots = slots
    }

    /// The index of a path that is read, for the provider's own questions.
    package func slot(_ path: String) -> Int {
        guard let slot = slots[path] else { preconditionFailure("\(path) is not among the fields of this vocabulary") }
        return slot
    }

    /// Appends type, subject and partition key of the webhook read last, and id and time where its type has rules of its
    /// own; what it does not have stays empty.
    package func describe(
        _ providerType: UnsafeRawBufferPointer, preferring preference: Int?, in draft: inout EventDraft
    ) {
        let place = index.place(of: providerType)
        if let place {
            draft.type.append(contentsOf: entries[place].canonicalType)
            appendSubject(entries[place].subject, to: &draft.subject)
            appendFirst(entries[place].partitionKey, to: &draft.partitionKey)
            appendWhole(entries[place].id, to: &draft.id)
            if !entries[place].time.isEmpty { draft.takeTime(entries[place].time, of: reader) }
        } else {
            draft.type.append(contentsOf: Self.unmappedType)
        }
        if place == nil, let preference {
            complete(unmapped[preference], in: &draft)
        }
        for fallback in unmapped where draft.subject.isEmpty || draft.partitionKey.isEmpty {
            complete(fallback, in: &draft)
        }
    }

    private func complete(_ fallback: (subject: [Step], partitionKey: [Int]), in draft: inout EventDraft) {
        if draft.subject.isEmpty { appendSubject(fallback.subject, to: &draft.subject) }
        if draft.partitionKey.isEmpty { appendFirst(fallback.partitionKey, to: &draft.partitionKey) }
    }

    private func appendSubject(_ steps: [Step], to subject: inout [UInt8]) {
        for step in steps {
            guard let field = step.field else {
                subject.append(contentsOf: step.text)
                continue
            }
            guard let text = identifier(field) else { return }
            subject.append(contentsOf: step.text)
            AttributeText.append(text, to: &subject)
        }
    }

    /// A template that must be complete: nothing is appended where a field is missing.
    private func appendWhole(_ steps: [Step], to bytes: inout [UInt8]) {
        let start = bytes.count
        for step in steps {
            bytes.append(contentsOf: step.text)
            guard let field = step.field else { continue }
            guard let text = identifier(field) else {
                bytes.removeSubrange(start...)
                return
            }
            AttributeText.append(text, to: &bytes)
        }
    }

    private func appendFirst(_ field: [Int], to bytes: inout [UInt8]) {
        if let text = identifier(field) { AttributeText.append(text, to: &bytes) }
    }

    private func identifier(_ field: [Int]) -> UnsafeRawBufferPointer? {
        for slot in field {
            if let text = reader.identifier(slot) { return text }
        }
        return nil
    }

    /// The names of the fields of a template, in order.
    package static func fields(of template: String) -> [String] {
        template.split(separator: "{").dropFirst(template.hasPrefix("{") ? 0 : 1).map {
            String($0.prefix { $0 != "}" })
        }
    }

    /// Cuts `calls/{call_cid}/egress/hls` into steps.
    private static func steps(_ template: String, _ field: (String) -> [Int]) -> [Step] {
        var steps: [Step] = []
        var rest = template[...]
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else {
                preconditionFailure("the subject template \(template) lacks a closing brace")
            }
            let name = String(rest[rest.index(after: open)..<close])
            steps.append(Step(text: Array(rest[..<open].utf8), field: field(name)))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { steps.append(Step(text: Array(rest.utf8), field: nil)) }
        return steps
    }
}
