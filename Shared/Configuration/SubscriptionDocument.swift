package import JSON
import Yams

/// A subscription as the control API takes and gives it: JSON with the keys of the configuration file, without secrets.
package enum SubscriptionDocument {
    /// Decodes a document as the file is decoded. `signing` may be left out and means standard-webhooks; secrets are refused
    /// here, because whoever keeps them takes them out first. `sources`: the names that a filter may name. Throws everything
    /// that is wrong at once.
    package static func decode(
        _ document: JSONValue, sources: [String]
    ) throws(SubscriptionDocumentError) -> SubscriptionConfiguration {
        try decode(document, SubscriptionConfiguration.table, sources: sources)
    }

    /// Decodes a filter alone, as it stands in a subscription.
    package static func filter(
        _ document: JSONValue, sources: [String]
    ) throws(SubscriptionDocumentError) -> SubscriptionFilter {
        try decode(document, SubscriptionFilter.table, sources: sources)
    }

    private static func decode<Decoded>(
        _ document: JSONValue, _ table: FieldTable<Decoded>, sources: [String]
    ) throws(SubscriptionDocumentError) -> Decoded {
        let decoding = Decoding(file: "", isDocument: true)
        decoding.sources = sources
        let root = Value(node: node(document, "", decoding), keyPath: "", decoding: decoding)
        var decoded = table.make()
        if decoding.errors.isEmpty { _ = table.read(root, into: &decoded) }
        guard decoding.errors.isEmpty else { throw SubscriptionDocumentError(decoding) }
        return decoded
    }

    /// The document of a subscription, every default written out; decoding it gives the same subscription, but for its
    /// secrets and `tls`.
    package static func value(_ subscription: SubscriptionConfiguration) -> JSONValue {
        SubscriptionConfiguration.table.write(subscription, .document)
    }

    /// The same as text.
    package static func json(_ subscription: SubscriptionConfiguration) -> JSONText { value(subscription).json }

    /// JSON as the tree that the decoder reads: strings as if in quotes, everything else as if written plainly.
    private static func node(_ value: JSONValue, _ pointer: String, _ decoding: Decoding) -> Node {
        switch value {
        case .null: return plain("null")
        case .bool(let flag): return plain(flag ? "true" : "false")
        case .number(let digits): return plain(digits)
        case .string(let text): return Node(text, .implicit, .doubleQuoted)
        case .array(let elements):
            return Node(elements.enumerated().map { node($0.element, "\(pointer)/\($0.offset)", decoding) })
        case .object(let members):
            var names: Set<String> = []
            return Node(
                members.map { member in
                    let place = decoding.member(member.name, of: pointer)
                    if !names.insert(member.name).inserted {
                        decoding.report(line: 0, place, "this name comes twice in one object; keep one")
                    }
                    return (Node(member.name, .implicit, .doubleQuoted), node(member.value, place, decoding))
                })
        }
    }

    private static func plain(_ text: String) -> Node { Node(text, .implicit, .plain) }
}

/// Everything that is wrong with a subscription's document.
package struct SubscriptionDocumentError: Error, Sendable, CustomStringConvertible {
    /// Where (a JSON Pointer; empty for the whole document), and what is wrong, what was expected, and how to fix it.
    package let problems: [(pointer: String, sentence: String)]

    init(_ decoding: Decoding) {
        problems = decoding.errors.map { ($0.keyPath, $0.sentence) }
    }

    /// One problem per line.
    package var description: String {
        problems.map { $0.pointer.isEmpty ? $0.sentence : "\($0.pointer): \($0.sentence)" }.joined(separator: "\n")
    }
}
