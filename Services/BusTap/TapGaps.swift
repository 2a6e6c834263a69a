import Wire

/// Something that passed the bus and that a tap did not show.
enum TapGap: Equatable {
    /// So many records were lost on the way to the tap, which is too slow.
    case dropped(UInt64)
    /// The instance was started again; what it passed before the tap was linked to it anew is not known.
    case restarted
    /// After a start, the sequences of a journal that no instance of that stage has shown.
    case missed(JournalID, first: UInt64, last: UInt64)
    /// So many records are written in a way that this tap does not know.
    case unreadable(UInt64)
}

/// Notices gaps, by the numbers of each instance's stream and, where an instance started, by the sequences of the journals.
struct TapGaps {
    private struct Stream {
        var bootID: UInt64
        /// The number that the next transmission should have.
        var next: UInt64
    }

    private var streams: [String: Stream] = [:]
    /// The highest sequence that was shown of each journal at each stage.
    private var highest: [StageRole: [JournalID: UInt64]] = [:]
    /// Journals of which records may have passed a stage before the tap was linked to an instance that has started.
    private var unsure: [StageRole: Set<JournalID>] = [:]

    /// Takes note of a transmission. `isLate`: its instance appeared after the tap began to listen.
    mutating func begin(_ header: LinkHeader, at origin: HelloNotice, isLate: Bool) -> TapGap? {
        let former = streams[origin.instance]
        streams[origin.instance] = Stream(bootID: header.bootID, next: header.number + UInt64(header.count))
        if let former, former.bootID == header.bootID {
            return header.number > former.next ? .dropped(header.number - former.next) : nil
        }
        guard former != nil || isLate else { return nil }
        unsure[origin.role, default: []].formUnion((highest[origin.role] ?? [:]).keys)
        return former == nil ? nil : .restarted
    }

    /// Takes note of a record, before any filter.
    mutating func see(_ journal: JournalID, _ sequence: UInt64, at role: StageRole) -> TapGap? {
        guard let top = highest[role]?[journal] else {
            highest[role, default: [:]][journal] = sequence
            return nil
        }
        guard sequence > top else { return nil }
        highest[role]?[journal] = sequence
        guard unsure[role]?.remove(journal) != nil, sequence > top + 1 else { return nil }
        return .missed(journal, first: top + 1, last: sequence - 1)
    }
}
