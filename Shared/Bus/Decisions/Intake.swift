package import Wire

/// The downstream side of one link: which batches arrived, which of them are unfinished, and so how much the upstream may
/// send. A batch is finished when the next hop has taken its last record.
package struct Intake: Sendable {
    private var receivedThrough: UInt64 = 0
    private var unfinished: [(number: UInt64, records: Int)] = []
    /// Whether the upstream does not know the present state yet.
    package private(set) var isNewsworthy = true
    /// What the upstream was last told that it may send.
    private var announcedThrough: UInt64 = 0
    private var announcedRecords = 0

    package init() {}

    /// Whether this link holds all that it may.
    package var isFull: Bool { unfinished.count >= Limits.creditBatches }

    /// Whether the upstream waits for the news: it has used up what it was granted, or may send twice as many records at
    /// once. Otherwise there is time, and one notice serves for several batches.
    package func isUrgent(mostRecords: Int) -> Bool {
        isNewsworthy && (receivedThrough >= announcedThrough || mostRecords >= 2 * announcedRecords)
    }

    /// Whether `number` is new. A number that was skipped was lost on the way: it counts as finished here, and the
    /// ingress' timer sends its records again.
    package mutating func received(batch number: UInt64, records: Int) -> Bool {
        guard number > receivedThrough else { return false }
        receivedThrough = number
        if records > 0 { unfinished.append((number, records)) }
        isNewsworthy = isNewsworthy || records == 0
        return true
    }

    /// The upstream has sent everything up to `number`; what did not arrive on this ordered link never will.
    package mutating func learned(lastSent number: UInt64) {
        guard number > receivedThrough else { return }
        receivedThrough = number
        isNewsworthy = true
    }

    package mutating func finished(records: Int, ofBatch number: UInt64) {
        guard let index = unfinished.firstIndex(where: { $0.number == number }) else { return }
        unfinished[index].records -= records
        guard unfinished[index].records <= 0 else { return }
        unfinished.remove(at: index)
        isNewsworthy = true
    }

    /// The state to tell the upstream. A worker that is `closing` grants nothing more.
    package mutating func notice(mostRecords: Int, mostBytes: Int, closing: Bool = false) -> CreditNotice {
        isNewsworthy = false
        announcedRecords = mostRecords
        let free = closing ? 0 : max(0, Limits.creditBatches - unfinished.count)
        announcedThrough = receivedThrough + UInt64(free)
        return CreditNotice(
            grantedThrough: announcedThrough, receivedThrough: receivedThrough,
            mostRecords: UInt32(mostRecords), mostBytes: UInt32(mostBytes), unfinished: unfinished.map(\.number))
    }
}

/// The downstream side of all links of one stage, and how much each may send at once.
package struct Intakes: Sendable {
    private var links: [Int: Intake] = [:]
    private var rate = FinishRate()

    package mutating func linked(_ link: Int) { links[link] = Intake() }
    package mutating func gone(_ link: Int) { links[link] = nil }

    /// Whether the batch is new on its link.
    package mutating func received(batch: UInt64, records: Int, from link: Int) -> Bool {
        links[link]?.received(batch: batch, records: records) ?? false
    }

    package mutating func learned(lastSent number: UInt64, by link: Int) { links[link]?.learned(lastSent: number) }

    /// The next hop has taken records of a batch, or they go nowhere.
    package mutating func finished(records: Int, ofBatch batch: UInt64, from link: Int) {
        links[link]?.finished(records: records, ofBatch: batch)
    }

    /// Whether a link may be granted no more until the next hop has taken something.
    package var isAnyFull: Bool { links.values.contains { $0.isFull } }

    /// So many records were worked off.
    package mutating func worked(_ records: Int, at now: Int64) { rate.add(records, at: now) }

    /// The state to tell an upstream; nil when it need not be told now. `tidying` tells all that is new, `repeating`
    /// everything; a `closing` worker takes no more.
    package mutating func credit(
        for link: Int, at now: Int64, tidying: Bool = false, repeating: Bool = false, closing: Bool = false
    ) -> CreditNotice? {
        guard var intake = links[link] else { return nil }
        let mostRecords = rate.batchRecords(at: now)
        guard repeating || intake.isUrgent(mostRecords: mostRecords) || (tidying && intake.isNewsworthy) else {
            return nil
        }
        let notice = intake.notice(mostRecords: mostRecords, mostBytes: Limits.batchBytes, closing: closing)
        links[link] = intake
        return notice
    }
}
