import Events
import Wire

/// Which records are shown. Every part is optional; `*` stands for any text.
struct TapFilter {
    var stages: Set<String>
    var source: String?
    var type: WildcardPattern?
    var subject: WildcardPattern?
    var id: String?

    func passes(_ record: TapRecord) -> Bool {
        guard stages.isEmpty || stages.contains(record.origin.role.description) else { return false }
        if let source, source != record.source { return false }
        if let id, id != String(record.sequence), !record.events.contains(where: { $0.attribute("id") == id }) {
            return false
        }
        if let type, !record.events.contains(where: { type.matches($0.type) }) { return false }
        if let subject, !record.events.contains(where: { subject.matches($0.attribute("subject") ?? "") }) {
            return false
        }
        return true
    }
}
