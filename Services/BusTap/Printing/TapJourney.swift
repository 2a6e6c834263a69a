import Events
import Primitives
package import Wire

/// One webhook on its way: what each hop adds, as it passes, until the router has it in its log or a stage has refused it.
package struct TapJourney {
    package enum End {
        case logged
        case refused
    }

    private let id: TapID
    /// The first record with the id; others with the same id are left alone.
    private var webhook: (journal: JournalID, sequence: UInt64)?
    private var stampsShown = 0
    private var eventsShown = 0
    private var lastRole: StageRole?
    package private(set) var end: End?

    package init(_ id: TapID) {
        self.id = id
    }

    /// Whether the record is of the webhook that is followed, at a hop where it was not seen before.
    package mutating func isNext(_ record: TapRecord) -> Bool {
        let envelope = record.envelope
        if let webhook {
            guard envelope.journal == webhook.journal, envelope.sequence == webhook.sequence else { return false }
        } else {
            guard id.names(record) else { return false }
            webhook = (envelope.journal, envelope.sequence)
        }
        // What is sent again has been shown.
        if let lastRole, record.origin.role.rawValue <= lastRole.rawValue { return false }
        lastRole = record.origin.role
        return true
    }

    /// Takes note of where the record is; to be called for those that are next.
    package mutating func arrive(_ record: TapRecord) {
        var isRefused = record.envelope.flags.contains(.tombstone)
        record.forEachRejection { if $0.element == Rejection.wholeWebhook { isRefused = true } }
        if isRefused {
            end = .refused
        } else if record.origin.role == .router {
            end = .logged
        }
    }

    /// For people: a line for each stage and event that is new.
    package mutating func append(_ record: TapRecord, to out: inout ByteWriter) {
        let received = record.envelope.receivedAtNanoseconds
        if stampsShown == 0 {
            out.plain(record.envelope.sourceBytes)
            out.text(" #")
            out.decimal(record.envelope.sequence)
            out.text(" of journal ")
            out.hexadecimal(record.envelope.journal)
            out.text(", received ")
            RFC3339.append(nanoseconds: received, digits: 6, to: &out.bytes)
            out.text("\n  INSTANCE                SINCE RECEIPT        TOOK\n")
        }
        var stamps: [StageStamp] = []
        record.forEachStamp { stamps.append($0) }
        for stamp in stamps.dropFirst(stampsShown) {
            line(stamp.instance, stamp.finishedNanoseconds &- received, to: &out)
            out.plain(right(milliseconds(stamp.finishedNanoseconds &- stamp.startedNanoseconds), 12))
            out.text("\n")
        }
        stampsShown = max(stampsShown, stamps.count)
        if record.origin.role == .router {
            let instance = String(decoding: record.origin.instance, as: UTF8.self)
            line(instance, record.passedNanoseconds.map { $0 &- received }, to: &out)
            out.text("\n")
        }
        appendFindings(record, to: &out)
    }

    /// What came of it, once.
    private mutating func appendFindings(_ record: TapRecord, to out: inout ByteWriter) {
        var lines: [String] = []
        record.forEachRejection { lines.append("refused by \($0.stage): \($0.code) \($0.detail)") }
        record.forEachEvent { event in
            let words = [event.shortType, event.subject ?? .empty, event.id ?? .empty]
            lines.append(words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "  "))
        }
        for text in lines.dropFirst(eventsShown) {
            out.text("    ")
            out.plain(text)
            out.text("\n")
        }
        eventsShown = max(eventsShown, lines.count)
        guard record.origin.role == .router else { return }
        out.text(end == .refused ? "in quarantine\n" : "in the event log, unless its event was there before\n")
    }

    private func line(_ instance: String, _ since: Int64?, to out: inout ByteWriter) {
        out.text("  ")
        out.plain(instance + String(repeating: " ", count: max(0, 22 - instance.count)))
        out.plain(right(since.map { "+" + milliseconds($0) } ?? "", 15))
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private func milliseconds(_ nanoseconds: Int64) -> String {
        let micros = nanoseconds / 1_000
        let digits = String(abs(micros % 1_000))
        let zeros = String(repeating: "0", count: 3 - digits.count)
        return "\(micros < 0 ? "-" : "")\(abs(micros / 1_000)).\(zeros)\(digits) ms"
    }
}
