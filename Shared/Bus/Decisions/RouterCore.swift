package import Wire

/// What the router makes of an ingress' window.
package enum LinkUp: Equatable, Sendable {
    case accepted
    /// This range was in the lost part of the router's store; the ingress has it no more. The router goes on behind it.
    case gone(SequenceRange)
    /// The reorder space that the window needs is not to be had.
    case refused(String)
}

/// All decisions of the router's side of the bus: one reorder window per journal, what may be sent, and when ingresses
/// hear of what is settled and held. Times are monotonic nanoseconds.
package struct RouterCore<Payload> {
    /// Nobody waits for a settlement, so all that comes and is committed in this time shares one.
    private static var settlementInterval: Int64 { 20_000_000 }

    package var intakes = Intakes()
    private var windows: [JournalID: ReorderWindow<Payload>] = [:]
    private var reservedBytes: [JournalID: UInt64] = [:]
    private var watermarks: [JournalID: UInt64]
    /// Records that arrived only because they were sent again, since their ingress was last told of what is here.
    private var laterCopies: [JournalID: UInt32] = [:]
    private let reorderBudgetBytes: UInt64
    /// Journals whose ingress has to hear of a new watermark or of new records held.
    private var moved: Set<JournalID> = []
    package private(set) var touched: Set<JournalID> = []
    /// When they are to hear of it; nil while there is nothing to hear.
    private var settlementDue: Int64?

    /// `watermarks`: what the store knows of every journal.
    package init(watermarks: [JournalID: UInt64], reorderBudgetBytes: UInt64) {
        self.watermarks = watermarks
        self.reorderBudgetBytes = reorderBudgetBytes
    }

    /// How long nothing needs to be said; nil while an ingress has nothing to hear.
    package func pauseNanoseconds(at now: Int64) -> Int64? { settlementDue.map { max(0, $0 - now) } }

    /// An ingress announced its journal and window: reserve the space for it, or refuse.
    package mutating func announced(_ notice: WindowNotice) -> LinkUp {
        guard notice.records > 0, notice.records <= 1 << 22 else {
            return .refused("a window holds between 1 and \(1 << 22) records, not \(notice.records)")
        }
        let others = reservedBytes.reduce(0) { $1.key == notice.journal ? $0 : $0 + $1.value }
        guard notice.bytes <= reorderBudgetBytes, others <= reorderBudgetBytes - notice.bytes else {
            return .refused(
                "a window of \(notice.bytes) bytes exceeds the reorder budget: \(others) of \(reorderBudgetBytes) are taken"
            )
        }
        reservedBytes[notice.journal] = notice.bytes
        moved.insert(notice.journal)
        settlementDue = 0
        let stored = windows[notice.journal]?.watermark ?? watermarks[notice.journal] ?? 0
        if notice.firstRetained > stored + 1, notice.firstRetained > (windows[notice.journal]?.released ?? 0) + 1 {
            let reached = notice.firstRetained - 1
            watermarks[notice.journal] = reached
            windows[notice.journal] = ReorderWindow(
                watermark: reached, released: reached, capacity: Int(notice.records))
            return .gone(SequenceRange(stored + 1, reached))
        }
        let known = windows[notice.journal]
        if known?.capacity != Int(notice.records) {
            windows[notice.journal] = ReorderWindow(
                watermark: stored, released: known?.released ?? stored, capacity: Int(notice.records))
        }
        return .accepted
    }

    /// A batch came over a link: whether it is new there. The space for its records is reserved, so they are as good as
    /// finished when they are here.
    package mutating func received(batch: UInt64, records: Int, from link: Int, at now: Int64) -> Bool {
        guard intakes.received(batch: batch, records: records, from: link) else { return false }
        intakes.finished(records: records, ofBatch: batch, from: link)
        intakes.worked(records, at: now)
        return true
    }

    /// A record arrived, `isLaterCopy` when it had been sent before; nil when its journal has not linked up, so that it
    /// will be sent again.
    package mutating func arrived(
        _ journal: JournalID, _ sequence: UInt64, isLaterCopy: Bool, isAlone: Bool = false, _ payload: Payload
    ) -> ReorderWindow<Payload>.Arrival? {
        let arrival = windows[journal]?.insert(sequence, payload)
        guard arrival == .kept else { return arrival }
        if isLaterCopy { laterCopies[journal, default: 0] += 1 }
        touched.insert(journal)
        // The next suspect waits for this one's arrival.
        if isAlone { settlementDue = 0 }
        return arrival
    }

    /// The next record of that journal in order.
    package mutating func release(_ journal: JournalID) -> Payload? { windows[journal]?.release() }

    package mutating func committed(_ journal: JournalID, _ watermark: UInt64) {
        windows[journal]?.committed(watermark)
        watermarks[journal] = max(watermarks[journal] ?? 0, watermark)
        moved.insert(journal)
    }

    /// What ingresses are to hear now: some time after a commit and after records came, and all of it where `repeating`.
    package mutating func settlements(at now: Int64, repeating: Bool) -> [SettlementNotice] {
        moved.formUnion(touched)
        touched.removeAll(keepingCapacity: true)
        if repeating {
            moved.formUnion(windows.keys)
        } else if !moved.isEmpty, settlementDue == nil {
            settlementDue = now + Self.settlementInterval
        }
        guard repeating || settlementDue.map({ $0 <= now }) == true else { return [] }
        settlementDue = nil
        defer { moved.removeAll(keepingCapacity: true) }
        return moved.compactMap { settlement(of: $0) }
    }

    /// What to tell the ingress; nil for a journal that has not linked up.
    package func settlement(of journal: JournalID) -> SettlementNotice? {
        windows[journal].map {
            SettlementNotice(
                journal: journal, watermark: $0.watermark, held: $0.held(atMost: Limits.rangesPerNotice),
                laterCopies: laterCopies[journal] ?? 0)
        }
    }

    /// The ingress of that journal has been sent its settlement.
    package mutating func settlementSent(to journal: JournalID) { laterCopies[journal] = nil }
}

extension RouterCore: Sendable where Payload: Sendable {}
