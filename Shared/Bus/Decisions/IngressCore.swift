package import Wire

/// A batch that the ingress is to send: to whom, under which number, which records.
package struct SendOrder: Equatable, Sendable {
    package var peer: Int
    package var number: UInt64
    package var ranges: [SequenceRange]
    package var isAlone: Bool
}

/// What a settlement means to the ingress.
package enum SettlementEffect: Equatable, Sendable {
    case nothing
    /// Everything up to here may be forgotten.
    case settled(UInt64)
    /// The router has more than this journal ever gave: the journal is an old copy and must take a new identity.
    case renumber
}

/// All decisions of the ingress' side of the bus, without sockets, clocks or bytes.
package struct IngressCore: Sendable {
    package private(set) var journal: JournalID
    package private(set) var window: SendWindow
    package private(set) var feeder = Feeder(awaitsVerdicts: true)
    package private(set) var verdicts: VerdictWait
    /// The last sequence that the journal has on disk.
    package private(set) var lastSequence: UInt64
    package private(set) var isRouterLinked = false
    package private(set) var isReadingBack = false
    private var routerBootID: UInt64?
    /// The last sequence that was given before this process, or before the journal took its present identity.
    private var lastGivenBefore: UInt64
    private var isRenumbering = false
    /// When a verifier was last sent something: where none has credit now, none has had any since.
    private var lastSentAt = Int64.min / 2

    package init(
        journal: JournalID, firstRetained: UInt64, nextSequence: UInt64, windowRecords: Int, windowBytes: Int,
        verdictTimeoutNanoseconds: Int64
    ) {
        self.journal = journal
        lastSequence = nextSequence - 1
        lastGivenBefore = nextSequence - 1
        window = SendWindow(watermark: firstRetained - 1, mostRecords: windowRecords, mostBytes: windowBytes)
        verdicts = VerdictWait(timeoutNanoseconds: verdictTimeoutNanoseconds)
    }

    /// What the ingress tells a router that links up.
    package var windowNotice: WindowNotice {
        WindowNotice(
            journal: journal, firstRetained: window.watermark + 1, lastSequence: lastSequence,
            records: UInt32(window.mostRecords), bytes: UInt64(window.mostBytes))
    }

    /// Records were journaled. Returns whether they enter the window now; the others stay on disk.
    package mutating func journaled(first: UInt64, byteCounts: [Int]) -> Bool {
        guard !isRenumbering, first == lastSequence + 1 else { return false }
        lastSequence += UInt64(byteCounts.count)
        guard window.end + 1 == first, window.hasRoom else { return false }
        window.load(byteCounts: byteCounts)
        return true
    }

    /// What to read back from disk, when there is room for it; nil otherwise. One request at a time.
    package mutating func wantedFromDisk() -> (from: UInt64, records: Int)? {
        guard !isReadingBack, !isRenumbering, window.hasRoom, window.end < lastSequence else { return nil }
        isReadingBack = true
        return (window.end + 1, window.mostRecords - window.count)
    }

    /// Records came back from disk; returns whether they enter the window.
    package mutating func loaded(first: UInt64, byteCounts: [Int]) -> Bool {
        guard first == window.end + 1 else { return false }
        window.load(byteCounts: byteCounts)
        return true
    }

    package mutating func readBackEnded() { isReadingBack = false }

    /// Whether the HTTP answers to newly journaled records wait for their verdicts: only when a verifier gets them at once.
    package var awaitsVerdicts: Bool {
        isRouterLinked && feeder.peerCount > 0 && !verdicts.isHopeless && window.end == lastSequence
            && window.unsentCount <= Limits.batchRecords
    }

    package mutating func waitForVerdicts(_ sequences: SequenceRange, at now: Int64) {
        verdicts.wait(for: sequences, at: now)
    }

    package mutating func decided(_ notice: VerdictNotice) -> [AnswerRange] {
        guard notice.journal == journal else { return [] }
        for entry in notice.entries { feeder.judged(JournalRange(journal, entry.sequences)) }
        return notice.entries.flatMap { verdicts.decided($0) }
    }

    /// When the next answer no longer waits for its verdict; nil while none waits.
    package var nextAnswer: Int64? { verdicts.nextDeadline.map { min($0, endOfReach) } }

    /// The answers whose time is over, and those to webhooks that wait for credit which does not come: verifiers wait for
    /// slow normalisers then, and no sender need do that. To be called in every turn, after sending.
    package mutating func expireVerdicts(at now: Int64) -> [AnswerRange] {
        let expired = verdicts.expire(at: now)
        return endOfReach > now ? expired : expired + verdicts.giveUp(from: window.nextUnsent)
    }

    /// Until when unsent webhooks wait for a verifier's credit; for ever where there is some, for one that is at work.
    private var endOfReach: Int64 {
        verdicts.waits(from: window.nextUnsent) && !feeder.hasCredit ? lastSentAt + Limits.reachNanoseconds : .max
    }

    // MARK: verifiers

    /// Returns the records that are given up from now on.
    package mutating func verifierLinked(_ peer: Int, link: UInt64, life: WorkerLife? = nil) -> [UInt64] {
        take(feeder.linked(peer, role: .verifier, link: link, life: life))
    }

    package mutating func credited(_ peer: Int, _ notice: CreditNotice) { feeder.credited(peer, notice) }

    /// A verifier is gone. Returns the records that are given up from now on.
    package mutating func verifierGone(_ peer: Int) -> [UInt64] { take(feeder.gone(peer)) }

    /// A verifier reports what a dead normaliser held.
    package mutating func lost(_ notice: LostNotice) -> [UInt64] {
        guard notice.journal == journal else { return [] }
        let counts = notice.deadRole == .verifier || notice.deadRole == .normaliser
        let cause: LossCause = counts ? .death(alone: notice.wasAlone) : .link
        return notice.ranges.flatMap { window.lost($0, cause: cause) }
    }

    /// Whether there is something to send, to whomever.
    package var hasWork: Bool {
        isRouterLinked && !isRenumbering && (window.hasAloneWork || window.hasOrdinaryWork)
    }

    /// The next batch to send; nil when there is nothing to send or nobody to send it to.
    package mutating func nextOrder(at now: Int64) -> SendOrder? {
        guard hasWork else { return nil }
        if window.hasAloneWork {
            if let offer = feeder.pickIdle(), let sequence = window.takeAlone(at: now) {
                return order(to: offer.peer, [SequenceRange(sequence, sequence)], isAlone: true, at: now)
            }
        } else {
            feeder.releaseReservation()
        }
        guard window.hasOrdinaryWork, let offer = feeder.pick() else { return nil }
        let ranges = window.take(mostRecords: offer.mostRecords, mostBytes: offer.mostBytes, at: now)
        return ranges.isEmpty ? nil : order(to: offer.peer, ranges, isAlone: false, at: now)
    }

    /// The order could not be carried out: its records are due again, and nobody is to blame.
    package mutating func failed(_ order: SendOrder) {
        feeder.retract(from: order.peer)
        for range in order.ranges { _ = window.lost(range, cause: .link) }
    }

    package mutating func expireTimers(at now: Int64) { window.expire(at: now) }

    // MARK: router

    /// A router said hello: nothing is sent until it has answered the window with a settlement.
    package mutating func routerGreeted(bootID: UInt64) {
        if bootID != routerBootID { isRouterLinked = false }
    }

    package mutating func routerGone() { isRouterLinked = false }

    package mutating func settled(_ notice: SettlementNotice, bootID: UInt64, at now: Int64) -> SettlementEffect {
        guard notice.journal == journal, !isRenumbering else { return .nothing }
        // At the first word of a router only what an earlier process gave can be settled. More means that the journal is
        // an old copy, even if it has grown past the router's watermark since.
        guard notice.watermark <= (routerBootID == nil ? lastGivenBefore : lastSequence) else {
            isRouterLinked = false
            isRenumbering = true
            return .renumber
        }
        if routerBootID != bootID {
            if routerBootID != nil { window.restartRouter() }
            routerBootID = bootID
        }
        isRouterLinked = true
        let settledBefore = window.watermark
        if notice.watermark > window.end { skipForgotten(to: notice.watermark) }
        window.settle(watermark: notice.watermark, held: notice.held, laterCopies: Int(notice.laterCopies), at: now)
        return window.watermark > settledBefore ? .settled(window.watermark) : .nothing
    }

    /// The journal took a new identity and numbers what it retains from `firstRetained` on.
    package mutating func renumbered(journal: JournalID, firstRetained: UInt64, nextSequence: UInt64) -> [AnswerRange] {
        self.journal = journal
        lastSequence = nextSequence - 1
        lastGivenBefore = nextSequence - 1
        window = SendWindow(
            watermark: firstRetained - 1, mostRecords: window.mostRecords, mostBytes: window.mostBytes)
        isRenumbering = false
        isReadingBack = false
        return verdicts.restart()
    }

    /// The router settled records that are not even loaded: a restarted ingress reads on behind them.
    private mutating func skipForgotten(to reached: UInt64) {
        window = SendWindow(watermark: reached, mostRecords: window.mostRecords, mostBytes: window.mostBytes)
    }

    private mutating func order(to peer: Int, _ ranges: [SequenceRange], isAlone: Bool, at now: Int64) -> SendOrder {
        lastSentAt = now
        let number = feeder.sent(to: peer, ranges: ranges.map { JournalRange(journal, $0) }, alone: isAlone)
        return SendOrder(peer: peer, number: number, ranges: ranges, isAlone: isAlone)
    }

    private mutating func take(_ unfinished: [Unfinished]) -> [UInt64] {
        var givenUp: [UInt64] = []
        for batch in unfinished {
            for range in batch.ranges where range.journal == journal {
                givenUp += window.lost(range.sequences, cause: batch.isDeath ? .death(alone: batch.wasAlone) : .link)
            }
        }
        return givenUp
    }
}
