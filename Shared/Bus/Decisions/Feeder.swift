package import Wire

/// Records of one journal, for remembering who holds what.
package struct JournalRange: Hashable, Sendable {
    package var journal: JournalID
    package var sequences: SequenceRange

    package init(_ journal: JournalID, _ sequences: SequenceRange) {
        self.journal = journal
        self.sequences = sequences
    }
}

/// What a worker had not finished when it went.
package struct Unfinished: Equatable, Sendable {
    package var role: StageRole
    package var ranges: [JournalRange]
    /// The batch held one record, and the worker nothing else.
    package var wasAlone: Bool
    /// Whether the worker died, or only its link.
    package var isDeath = true

    package init(role: StageRole, ranges: [JournalRange], wasAlone: Bool) {
        self.role = role
        self.ranges = ranges
        self.wasAlone = wasAlone
    }
}

/// One process of an instance.
package struct WorkerLife: Equatable, Sendable {
    package var instance: String
    package var bootID: UInt64

    package init(instance: String, bootID: UInt64) {
        (self.instance, self.bootID) = (instance, bootID)
    }
}

/// A worker that may be sent a batch now.
package struct Offer: Equatable, Sendable {
    package var peer: Int
    package var mostRecords: Int
    package var mostBytes: Int
}

/// The upstream side of all links of one socket: who may be sent how much, and who holds which ranges (not which bytes).
package struct Feeder: Sendable {
    private struct Outstanding {
        var number: UInt64
        var ranges: [JournalRange]
        var isAlone: Bool
        var isJudged = false
    }

    private struct Peer {
        var role: StageRole
        var link: UInt64
        var life: WorkerLife?
        var lastSent: UInt64 = 0
        var grantedThrough: UInt64 = 0
        var mostRecords = 1
        var mostBytes = Limits.batchBytes
        var outstanding: [Outstanding] = []

        var mayBeSent: Bool { lastSent < grantedThrough }
        var isAtWork: Bool { outstanding.contains { !$0.isJudged } }
    }

    private var peers: [Int: Peer] = [:]
    private var order: [Int] = []
    private var turn = 0
    /// The worker that is being emptied for a record that travels alone.
    private var reserved: Int?
    /// Whether a worker is sent the next ordinary batch only when it has judged the last one, so that batches grow while it
    /// works or waits for a processor, instead of queueing with it.
    private let awaitsVerdicts: Bool
    /// What workers held whose links failed, by instance: whether they died, their next hello tells.
    private var missing: [String: (bootID: UInt64, unfinished: [Unfinished])] = [:]
    private static let mostMissing = 64

    package init(awaitsVerdicts: Bool = false) {
        self.awaitsVerdicts = awaitsVerdicts
    }

    package var peerCount: Int { order.count }
    package var peerIDs: [Int] { order }
    /// Number of the last batch sent to `peer`, for its ping.
    package func lastSent(to peer: Int) -> UInt64 { peers[peer]?.lastSent ?? 0 }

    /// A worker said hello. Returns what its previous link held, when this is a rebuilt one. `life`: which process it is,
    /// where its link may fail although it lives.
    package mutating func linked(_ peer: Int, role: StageRole, link: UInt64, life: WorkerLife? = nil) -> [Unfinished] {
        if let known = peers[peer], known.link == link { return [] }
        var lost = gone(peer)
        if let life, let former = missing.removeValue(forKey: life.instance) {
            lost += former.unfinished.map { batch in
                var batch = batch
                batch.isDeath = former.bootID != life.bootID
                return batch
            }
        }
        peers[peer] = Peer(role: role, link: link, life: life)
        order.append(peer)
        return lost
    }

    package mutating func credited(_ peer: Int, _ notice: CreditNotice) {
        guard var known = peers[peer] else { return }
        known.grantedThrough = notice.grantedThrough
        known.mostRecords = max(1, min(Int(notice.mostRecords), Limits.batchRecords))
        known.mostBytes = max(1, min(Int(notice.mostBytes), Limits.batchBytes))
        known.outstanding.removeAll {
            $0.number <= notice.receivedThrough && !notice.unfinished.contains($0.number)
        }
        peers[peer] = known
    }

    /// A worker has judged these records. A batch is judged with its last one; where the word of it is lost, the credit
    /// that is given back tells.
    package mutating func judged(_ judged: JournalRange) {
        for id in order {
            for index in peers[id]?.outstanding.indices ?? 0..<0 {
                guard let last = peers[id]?.outstanding[index].ranges.last, last.journal == judged.journal else {
                    continue
                }
                if judged.sequences.first <= last.sequences.last, last.sequences.last <= judged.sequences.last {
                    peers[id]?.outstanding[index].isJudged = true
                }
            }
        }
    }

    /// The next worker in turn that may be sent an ordinary batch.
    package mutating func pick() -> Offer? {
        for step in 0..<order.count {
            let index = (turn + step) % order.count
            let id = order[index]
            guard hasCredit(id), let peer = peers[id] else { continue }
            if awaitsVerdicts && peer.isAtWork { continue }
            turn = (index + 1) % order.count
            return Offer(peer: id, mostRecords: peer.mostRecords, mostBytes: peer.mostBytes)
        }
        return nil
    }

    /// A worker that holds nothing, for a record that travels alone. While there is none, one worker is sent nothing
    /// more, so that there soon is.
    package mutating func pickIdle() -> Offer? {
        if reserved.flatMap({ peers[$0] }) == nil {
            reserved = order.min { heldCount($0) < heldCount($1) }
        }
        guard let id = reserved, let peer = peers[id], peer.outstanding.isEmpty, peer.mayBeSent else { return nil }
        return Offer(peer: id, mostRecords: 1, mostBytes: peer.mostBytes)
    }

    /// Notes a batch as sent and returns its number on the link.
    package mutating func sent(to peer: Int, ranges: [JournalRange], alone: Bool = false) -> UInt64 {
        guard var known = peers[peer] else { return 0 }
        known.lastSent += 1
        known.outstanding.append(Outstanding(number: known.lastSent, ranges: ranges, isAlone: alone))
        peers[peer] = known
        if alone { reserved = nil }
        return known.lastSent
    }

    /// The batch just noted could not be sent after all.
    package mutating func retract(from peer: Int) {
        _ = peers[peer]?.outstanding.popLast()
    }

    /// No record travels alone at present: the reserved worker works again.
    package mutating func releaseReservation() {
        reserved = nil
    }

    /// A worker is gone: what it had not finished, in the order sent. Of one whose link may have failed alone that is said
    /// with its next hello; should none come, the ingress' timer sends it again.
    package mutating func gone(_ peer: Int) -> [Unfinished] {
        guard let known = peers.removeValue(forKey: peer) else { return [] }
        order.removeAll { $0 == peer }
        turn = order.isEmpty ? 0 : turn % order.count
        if reserved == peer { reserved = nil }
        let unfinished = known.outstanding.map {
            Unfinished(role: known.role, ranges: $0.ranges, wasAlone: $0.isAlone)
        }
        guard let life = known.life, !unfinished.isEmpty else { return unfinished }
        // A successor that came before the old link was found dead has said already that it is another process, or not.
        if let successor = peers.values.lazy.compactMap(\.life).first(where: { $0.instance == life.instance }) {
            return unfinished.map { batch in
                var batch = batch
                batch.isDeath = successor.bootID != life.bootID
                return batch
            }
        }
        if missing.count < Self.mostMissing { missing[life.instance] = (life.bootID, unfinished) }
        return []
    }

    /// Whether a worker may be sent an ordinary batch, at once or when it has judged the last one.
    package var hasCredit: Bool { order.contains(where: hasCredit) }

    /// Whether anybody has anything unfinished.
    package var isIdle: Bool { peers.values.allSatisfy { $0.outstanding.isEmpty } }

    private func hasCredit(_ id: Int) -> Bool {
        id != reserved && peers[id].map { $0.mayBeSent && !holdsAlone($0) } ?? false
    }

    private func holdsAlone(_ peer: Peer) -> Bool { peer.outstanding.contains { $0.isAlone } }
    private func heldCount(_ peer: Int) -> Int { peers[peer]?.outstanding.count ?? 0 }
}
