import Events
import Executable
import Wire

/// Which records are shown. Every part is optional; `*` stands for any text.
struct TapFilter {
    var stages = StageChoice()
    var instances = StageChoice()
    var source: String?
    /// Without the prefix that all types have.
    var type: WildcardPattern?
    var subject: WildcardPattern?
    var id: String?
    /// Whether only what was refused, as a whole or in part, is meant.
    var isRejected = false

    /// Whether anything of an instance can pass.
    func takes(_ instance: String) -> Bool { stages.takes(instance) && instances.takes(instance) }

    func passes(_ record: TapRecord) -> Bool {
        guard takes(record.origin.instance) else { return false }
        if let source, source != record.source { return false }
        if isRejected, record.rejections.isEmpty, !record.flags.contains(.tombstone) { return false }
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
