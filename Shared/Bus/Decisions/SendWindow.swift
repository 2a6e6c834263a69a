internal import DequeModule
package import Wire

/// What the ingress has unsettled on the bus: for every sequence between the watermark and the end of the window whether
/// it was sent, is held by the router, or is due again.
package struct SendWindow: Sendable {
    private enum State: UInt8 { case unsent, sent, held }

    private struct Entry {
        var byteCount: Int
        var firstSentAt: Int64 = 0
        var lastSentAt: Int64 = 0
        var resends: UInt8 = 0
        var state = State.unsent
        var isDue = false
        /// A worker's death explains the delay: no sample for the timer.
        var isDisturbed = false
        var deaths = DeathAccount()

        /// What its arrival says about the way to the router; 0 where it says nothing.
        func sample(laterCopies: Int, at now: Int64) -> Int64 {
            isDisturbed || (resends > 0 && laterCopies > 0) ? 0 : now - firstSentAt
        }
    }

    package let mostRecords: Int
    package let mostBytes: Int
    package private(set) var watermark: UInt64
    package private(set) var timer = ResendTimer()
    package private(set) var resentRecords = 0
    private var entries: Deque<Entry> = []
    private var bytes = 0
    package private(set) var nextUnsent: UInt64
    private var lowestDue: UInt64 = 0
    private var dueCount = 0
    private var aloneDue: Set<UInt64> = []
    /// The one record that travels alone at present. One at a time in the whole pipeline: two suspects that meet in a
    /// worker, fed by two verifiers, would both be blamed for what one of them did.
    private var aloneUnderWay: UInt64?
    /// No timer ends before this.
    private var earliestExpiry = Int64.max

    /// Everything up to `watermark` is settled.
    package init(watermark: UInt64, mostRecords: Int, mostBytes: Int) {
        self.watermark = watermark
        self.mostRecords = mostRecords
        self.mostBytes = mostBytes
        nextUnsent = watermark + 1
    }

    /// The highest sequence in the window; equals the watermark when it is empty.
    package var end: UInt64 { watermark + UInt64(entries.count) }
    package var hasRoom: Bool { entries.isEmpty || (entries.count < mostRecords && bytes < mostBytes) }
    package var unsentCount: Int { Int(end + 1 - nextUnsent) }
    package var hasOrdinaryWork: Bool { dueCount > 0 || unsentCount > 0 }
    package var hasAloneWork: Bool { !aloneDue.isEmpty && aloneUnderWay == nil }
    package var count: Int { entries.count }

    /// Appends records that follow directly on `end`; their lengths in bytes.
    package mutating func load(byteCounts: some Sequence<Int>) {
        for byteCount in byteCounts {
            entries.append(Entry(byteCount: byteCount))
            bytes += byteCount
        }
    }

    /// Whether `sequence` was sent and is not settled; how often it was sent again; whether it was given up.
    package func standing(of sequence: UInt64) -> (isSent: Bool, resends: UInt8, deaths: DeathAccount)? {
        guard let index = index(sequence) else { return nil }
        return (entries[index].state != .unsent, entries[index].resends, entries[index].deaths)
    }

    /// Takes the next records for one batch: what is due again first, then what was never sent.
    package mutating func take(mostRecords: Int, mostBytes: Int, at now: Int64) -> [SequenceRange] {
        var taking = Taking(mostRecords: mostRecords, mostBytes: mostBytes)
        takeDue(&taking, at: now)
        while nextUnsent <= end, let index = index(nextUnsent), taking.hasRoom(for: entries[index].byteCount) {
            taking.add(nextUnsent, byteCount: entries[index].byteCount)
            markSent(index, at: now)
            nextUnsent += 1
        }
        return taking.ranges
    }

    /// Takes the lowest record that has to travel alone.
    package mutating func takeAlone(at now: Int64) -> UInt64? {
        guard aloneUnderWay == nil, let sequence = aloneDue.min(), let index = index(sequence) else { return nil }
        aloneDue.remove(sequence)
        aloneUnderWay = sequence
        entries[index].isDue = false
        markSent(index, at: now)
        return sequence
    }

    /// The router told what it has. Returns whether the watermark moved. `laterCopies`: how many of the records that are
    /// new in it arrived only because they were sent again; which of them is not known, so none that was sent again is
    /// a sample for the timer then.
    @discardableResult package mutating func settle(
        watermark settled: UInt64, held: [SequenceRange], laterCopies: Int = 0, at now: Int64
    ) -> Bool {
        let reached = min(settled, end)
        let moved = reached > watermark
        var sample: Int64 = 0
        while watermark < reached, let entry = entries.popFirst() {
            watermark += 1
            bytes -= entry.byteCount
            if entry.isDue { forgetDue(watermark) }
            arrived(watermark)
            if entry.state == .sent { sample = max(sample, entry.sample(laterCopies: laterCopies, at: now)) }
        }
        nextUnsent = max(nextUnsent, watermark + 1)
        for range in held {
            var sequence = max(range.first, watermark + 1)
            while sequence <= min(range.last, end), let index = index(sequence) {
                sample = max(sample, markHeld(index, sequence, laterCopies: laterCopies, at: now))
                sequence += 1
            }
        }
        if sample > 0 { timer.sample(sample) }
        return moved
    }

    /// Records that will not arrive are due at once. Returns those that are given up from now on.
    package mutating func lost(_ range: SequenceRange, cause: LossCause) -> [UInt64] {
        var givenUp: [UInt64] = []
        var sequence = max(range.first, watermark + 1)
        while sequence <= min(range.last, end), let index = index(sequence) {
            if entries[index].state == .sent {
                entries[index].isDisturbed = true
                if case .death(let alone) = cause, !entries[index].deaths.isGivenUp,
                    entries[index].deaths.died(alone: alone) == .givenUp
                {
                    givenUp.append(sequence)
                }
                makeDue(index, sequence)
            }
            sequence += 1
        }
        return givenUp
    }

    /// A new router: it holds nothing above its watermark, so everything that was sent is due at once.
    package mutating func restartRouter() {
        for index in entries.indices where entries[index].state != .unsent {
            entries[index].state = .sent
            entries[index].isDisturbed = true
            makeDue(index, watermark + 1 + UInt64(index))
        }
    }

    /// Makes due what has waited too long. Cheap while no timer can have ended.
    package mutating func expire(at now: Int64) {
        guard now >= earliestExpiry else { return }
        earliestExpiry = .max
        for index in entries.indices where entries[index].state == .sent && !entries[index].isDue {
            let expiry = entries[index].lastSentAt + timer.timeout(resends: entries[index].resends)
            if expiry <= now {
                makeDue(index, watermark + 1 + UInt64(index))
            } else {
                earliestExpiry = min(earliestExpiry, expiry)
            }
        }
    }

    /// When `expire` has to be called next; `Int64.max` when nothing is on its way.
    package var nextExpiry: Int64 { earliestExpiry }

    private mutating func takeDue(_ taking: inout Taking, at now: Int64) {
        var sequence = max(lowestDue, watermark + 1)
        while dueCount > 0, sequence < nextUnsent, let index = index(sequence) {
            if entries[index].isDue && !aloneDue.contains(sequence) {
                guard taking.hasRoom(for: entries[index].byteCount) else { break }
                taking.add(sequence, byteCount: entries[index].byteCount)
                entries[index].isDue = false
                dueCount -= 1
                markSent(index, at: now)
            }
            sequence += 1
        }
        lowestDue = sequence
    }

    private mutating func markSent(_ index: Int, at now: Int64) {
        if entries[index].state == .unsent {
            entries[index].firstSentAt = now
        } else {
            entries[index].resends = min(entries[index].resends, 254) + 1
            resentRecords += 1
        }
        entries[index].state = .sent
        entries[index].lastSentAt = now
        earliestExpiry = min(earliestExpiry, now + ResendTimer.floorNanoseconds)
    }

    private mutating func markHeld(_ index: Int, _ sequence: UInt64, laterCopies: Int, at now: Int64) -> Int64 {
        guard entries[index].state == .sent else { return 0 }
        entries[index].state = .held
        arrived(sequence)
        if entries[index].isDue {
            entries[index].isDue = false
            forgetDue(sequence)
        }
        return entries[index].sample(laterCopies: laterCopies, at: now)
    }

    private mutating func arrived(_ sequence: UInt64) {
        if aloneUnderWay == sequence { aloneUnderWay = nil }
    }

    private mutating func makeDue(_ index: Int, _ sequence: UInt64) {
        arrived(sequence)
        // A record that is due already may have become suspect, or given up, since.
        if entries[index].isDue { forgetDue(sequence) }
        entries[index].isDue = true
        if entries[index].deaths.isSuspect && !entries[index].deaths.isGivenUp {
            aloneDue.insert(sequence)
        } else {
            dueCount += 1
            lowestDue = min(lowestDue, sequence)
        }
    }

    private mutating func forgetDue(_ sequence: UInt64) {
        if aloneDue.remove(sequence) == nil { dueCount -= 1 }
    }

    private func index(_ sequence: UInt64) -> Int? {
        guard sequence > watermark, sequence <= end else { return nil }
        return Int(sequence - watermark - 1)
    }
}

/// Why records will not arrive.
package enum LossCause: Equatable, Sendable {
    /// The worker that held them died; whether each travelled alone.
    case death(alone: Bool)
    /// Nobody's fault: a link, a router, a batch that could not be sent.
    case link
}

/// A batch while it is put together: within its limits, or one record of any size.
private struct Taking {
    let mostRecords: Int
    let mostBytes: Int
    var ranges: [SequenceRange] = []
    private var records = 0
    private var bytes = 0

    init(mostRecords: Int, mostBytes: Int) {
        self.mostRecords = mostRecords
        self.mostBytes = mostBytes
    }

    func hasRoom(for byteCount: Int) -> Bool {
        records == 0 || (records < mostRecords && bytes + byteCount <= mostBytes)
    }

    mutating func add(_ sequence: UInt64, byteCount: Int) {
        records += 1
        bytes += byteCount
        if let last = ranges.indices.last, ranges[last].last + 1 == sequence {
            ranges[last].last = sequence
        } else {
            ranges.append(SequenceRange(sequence, sequence))
        }
    }
}
