/// How the subject of a broker is made of an event: fixed text and attributes in braces, such as `events.{source}.{type}`.
package struct SubjectTemplate: Sendable, Equatable {
    package enum Part: Sendable, Equatable {
        case text(String)
        case attribute(Attribute)
    }

    /// What a template may name.
    package enum Attribute: String, Sendable, CaseIterable {
        /// The name of the source in the configuration.
        case source
        /// Without `dev.tributary.`.
        case type
        case provider
        case subject
        case partitionkey
    }

    package let text: String
    package let parts: [Part]

    package static let standard = SubjectTemplate(
        text: "events.{source}.{type}",
        parts: [.text("events."), .attribute(.source), .text("."), .attribute(.type)])

    private init(text: String, parts: [Part]) {
        (self.text, self.parts) = (text, parts)
    }

    /// Throws what is wrong with a text.
    init(_ text: String) throws(WrongText) {
        var parts: [Part] = []
        var rest = text[...]
        while !rest.isEmpty {
            let fixed = rest.prefix { $0 != "{" && $0 != "}" }
            guard fixed.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"*>".utf8.contains($0) }) else {
                throw .because("its fixed part holds blanks, wildcards or what is not ASCII")
            }
            if !fixed.isEmpty { parts.append(.text(String(fixed))) }
            rest = rest[fixed.endIndex...]
            guard let brace = rest.first else { break }
            guard brace == "{", let end = rest.firstIndex(of: "}"),
                let attribute = Attribute(rawValue: String(rest[..<end].dropFirst()))
            else {
                let names = Attribute.allCases.map(\.rawValue).joined(separator: ", ")
                throw .because("braces hold one of \(names)")
            }
            parts.append(.attribute(attribute))
            rest = rest[end...].dropFirst()
        }
        let tokens = text.split(separator: ".", omittingEmptySubsequences: false)
        guard tokens.allSatisfy({ !$0.isEmpty }) else { throw .because("between its dots must be something") }
        self.init(text: text, parts: parts)
    }
}

extension FieldKind where V == SubjectTemplate {
    static let subject = FieldKind.parsed(
        "a subject such as events.{source}.{type}", schema: .string(length: 1...255),
        { text throws(WrongText) in try SubjectTemplate(text) }, write: \.text)
}
