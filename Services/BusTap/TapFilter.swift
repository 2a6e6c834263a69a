import Wire

/// Which records are shown. Every part is optional; `*` stands for any text.
struct TapFilter {
    var stages: Set<String>
    var source: String?
    var type: String?
    var subject: String?
    var id: String?

    func passes(_ record: TapRecord) -> Bool {
        guard stages.isEmpty || stages.contains(record.origin.role.description) else { return false }
        if let source, source != record.source { return false }
        if let id, id != String(record.sequence), !record.events.contains(where: { $0.attribute("id") == id }) {
            return false
        }
        if let type, !record.events.contains(where: { Self.matches($0.type, type) }) { return false }
        if let subject, !record.events.contains(where: { Self.matches($0.attribute("subject") ?? "", subject) }) {
            return false
        }
        return true
    }

    /// Whether `text` is `pattern`, in which `*` stands for any text.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return text == pattern }
        guard text.hasPrefix(parts[0]) else { return false }
        var rest = text.dropFirst(parts[0].count)
        for part in parts[1..<(parts.count - 1)] {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.hasSuffix(parts[parts.count - 1])
    }
}
