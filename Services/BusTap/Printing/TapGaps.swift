package import Wire

/// Something that passed the bus and that a tap did not show.
package enum TapGap: Equatable {
    /// So many records were left out, because the tap is too slow for all of them.
    case skipped(UInt64)
    /// The instance was started again; what it passed before the tap was linked to it anew is not known.
    case restarted
    /// After a start, the sequences of a journal that no instance of that stage has shown.
    case missed(JournalID, first: UInt64, last: UInt64)
    /// So many records are written in a way that this tap does not know.
    case unreadable(UInt64)
}

/// Notices gaps, by the numbers of each instance's stream and, where an instance started, by the sequences of the journals.
package struct TapGaps {
    private struct Stream {
        var bootID: UInt64
        /// The number that the next transmission should have.
        var next: UInt64
    }

    /// What was shown of a journal at a stage.
    private struct Progress {
        let role: StageRole
        let journal: JournalID
        var highest: UInt64
        /// Whether records may have passed the stage before the tap was linked to an instance that has started.
        var isUnsure = false
    }

    private var streams: [String: Stream] = [:]
    /// A few: one for each stage and ingress.
    private var progress: [Progress] = []

    package init() {}

    /// Takes note of a transmission. `isLate`: its instance appeared after the tap began to listen.
    package mutating func begin(_ header: LinkHeader, at origin: HelloNotice, isLate: Bool) -> TapGap? {
        let former = streams.updateValue(
            Stream(bootID: header.bootID, next: header.number &+ UInt64(header.count)), forKey: origin.instance)
        if let former, former.bootID == header.bootID {
            return header.number > former.next ? .skipped(header.number - former.next) : nil
        }
        guard former != nil || isLate else { return nil }
        for place in progress.indices where progress[place].role == origin.role { progress[place].isUnsure = true }
        return former == nil ? nil : .restarted
    }

    /// Takes note of a record, before any filter.
    package mutating func see(_ journal: JournalID, _ sequence: UInt64, at role: StageRole) -> TapGap? {
        guard let place = progress.firstIndex(where: { $0.role == role && $0.journal == journal }) else {
            progress.append(Progress(role: role, journal: journal, highest: sequence))
            return nil
        }
        let top = progress[place].highest
        guard sequence > top else { return nil }
        progress[place].highest = sequence
        guard progress[place].isUnsure else { return nil }
        progress[place].isUnsure = false
        return sequence > top + 1 ? .missed(journal, first: top + 1, last: sequence - 1) : nil
    }
}
