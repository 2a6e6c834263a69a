internal import DequeModule
package import Wire

/// One record between its arrival at a worker and its departure.
package struct WorkRecord<Payload> {
    package var journal: JournalID
    package var sequence: UInt64
    package var isAlone: Bool
    package var byteCount: Int
    /// The upstream link and batch that it came with.
    package var link: Int
    package var batch: UInt64
    package var payload: Payload

    package init(
        journal: JournalID, sequence: UInt64, isAlone: Bool, byteCount: Int, link: Int, batch: UInt64, payload: Payload
    ) {
        self.journal = journal
        self.sequence = sequence
        self.isAlone = isAlone
        self.byteCount = byteCount
        self.link = link
        self.batch = batch
        self.payload = payload
    }
}

extension WorkRecord: Sendable where Payload: Sendable {}

/// A batch that a worker is to send.
package struct WorkOrder<Payload> {
    package var peer: Int
    package var number: UInt64
    package var records: [WorkRecord<Payload>]
}

/// All decisions of a verifier or normaliser: what it has taken in, what it passes on to whom, when it gives credit back.
/// It keeps nothing on disk and acknowledges nothing; what dies with it is sent again by the ingress.
package struct WorkerCore<Payload> {
    package private(set) var feeder = Feeder()
    package var intakes = Intakes()
    private var ordinary: Deque<WorkRecord<Payload>> = []
    private var alone: Deque<WorkRecord<Payload>> = []
    /// Whether the next stage runs provider code, so that suspects must reach it alone. The router does not.
    private let isolatesSuspects: Bool
    private let gatheringNanoseconds: ClosedRange<Int64>
    private var lastPassedOn = Int64.min / 2

    /// `gatheringNanoseconds`: between one passing on and the next, while no upstream lacks credit: at the least where
    /// records arrive then, and at the most.
    package init(isolatesSuspects: Bool, gatheringNanoseconds: ClosedRange<Int64> = 0...0) {
        self.isolatesSuspects = isolatesSuspects
        self.gatheringNanoseconds = gatheringNanoseconds
    }

    package var waitingCount: Int { ordinary.count + alone.count }

    // MARK: work

    /// The stage has done its work on a record: it waits for the next hop.
    package mutating func enqueue(_ record: WorkRecord<Payload>) {
        if record.isAlone && isolatesSuspects {
            alone.append(record)
        } else {
            ordinary.append(record)
        }
    }

    /// A record that goes nowhere, because its bytes were damaged. The ingress sends it again.
    package mutating func dropped(ofBatch batch: UInt64, from link: Int) {
        intakes.finished(records: 1, ofBatch: batch, from: link)
    }

    // MARK: downstream

    /// How long what waits may gather before it is passed on; nil when nothing waits. An upstream that has no credit left
    /// ends it.
    package func gatheringPause(at now: Int64) -> Int64? {
        guard waitingCount > 0 else { return nil }
        return !alone.isEmpty || intakes.isAnyFull ? 0 : max(0, lastPassedOn + gatheringNanoseconds.upperBound - now)
    }

    /// Whether what waits is to be passed on now.
    package func isToPassOn(at now: Int64, withArrivals hasArrivals: Bool = false) -> Bool {
        gatheringPause(at: now).map {
            $0 == 0 || hasArrivals && now >= lastPassedOn + gatheringNanoseconds.lowerBound
        } ?? false
    }

    package mutating func downstreamLinked(
        _ peer: Int, role: StageRole, link: UInt64, life: WorkerLife? = nil
    ) -> [Unfinished] {
        feeder.linked(peer, role: role, link: link, life: life)
    }

    package mutating func credited(_ peer: Int, _ notice: CreditNotice) { feeder.credited(peer, notice) }
    package mutating func downstreamGone(_ peer: Int) -> [Unfinished] { feeder.gone(peer) }

    /// The next batch to pass on; nil when there is nothing, or nobody who may be sent more.
    package mutating func nextOrder() -> WorkOrder<Payload>? {
        if alone.isEmpty {
            feeder.releaseReservation()
        } else if let offer = feeder.pickIdle(), let record = alone.popFirst() {
            return order(to: offer.peer, [record], isAlone: true)
        }
        guard !ordinary.isEmpty, let offer = feeder.pick() else { return nil }
        var count = 1
        var bytes = ordinary[0].byteCount
        while count < min(ordinary.count, offer.mostRecords), bytes + ordinary[count].byteCount <= offer.mostBytes {
            bytes += ordinary[count].byteCount
            count += 1
        }
        let records = Array(ordinary.prefix(count))
        ordinary.removeFirst(count)
        return order(to: offer.peer, records, isAlone: false)
    }

    /// The next hop has taken the order: only now is the credit for its records given back.
    package mutating func taken(_ order: WorkOrder<Payload>, at now: Int64) {
        // What is left behind for want of credit has waited already.
        if waitingCount == 0 { lastPassedOn = now }
        intakes.worked(order.records.count, at: now)
        var index = 0
        while index < order.records.count {
            let (link, batch) = (order.records[index].link, order.records[index].batch)
            var run = 1
            while index + run < order.records.count, order.records[index + run].link == link,
                order.records[index + run].batch == batch
            {
                run += 1
            }
            intakes.finished(records: run, ofBatch: batch, from: link)
            index += run
        }
    }

    /// The order could not be carried out: its records wait again, in front.
    package mutating func failed(_ order: WorkOrder<Payload>) {
        feeder.retract(from: order.peer)
        for record in order.records.reversed() {
            if record.isAlone && isolatesSuspects { alone.prepend(record) } else { ordinary.prepend(record) }
        }
    }

    private mutating func order(
        to peer: Int, _ records: [WorkRecord<Payload>], isAlone: Bool
    ) -> WorkOrder<Payload> {
        var ranges: [JournalRange] = []
        for index in records.indices {
            let (journal, sequence) = (records[index].journal, records[index].sequence)
            if let last = ranges.indices.last, ranges[last].journal == journal,
                ranges[last].sequences.last + 1 == sequence
            {
                ranges[last].sequences.last = sequence
            } else {
                ranges.append(JournalRange(journal, SequenceRange(sequence, sequence)))
            }
        }
        return WorkOrder(peer: peer, number: feeder.sent(to: peer, ranges: ranges, alone: isAlone), records: records)
    }
}

extension WorkerCore: Sendable where Payload: Sendable {}
extension WorkOrder: Sendable where Payload: Sendable {}
