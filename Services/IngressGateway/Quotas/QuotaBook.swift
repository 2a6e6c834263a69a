import DequeModule
import PipelineConfiguration
import WebhookIntake
import Wire

/// Why a request has to wait; the code of its answer and the `reason` in the metrics.
enum QuotaReason: String, Sendable {
    case source = "source_quota"
    case address = "address_quota"
    /// Too much of what the sender, or strangers together, sent to the source failed verification.
    case refused = "refused_quota"
    /// Too much of what was admitted has no verdict yet.
    case unverified = "unverified_quota"
}

/// What the quotas say to a request.
enum QuotaDecision: Equatable, Sendable {
    case admitted
    /// There is room again after that time; 0 where that depends on verdicts.
    case over(QuotaReason, waitNanoseconds: Int64)
    /// What is left of the journal's budget is kept for senders whose webhooks verify.
    case reserved
}

/// The quotas of the ingress and what they go by.
struct QuotaSettings: Sendable {
    var quotas = QuotasConfiguration()
    /// What the journal has room for.
    var journalBytes = Int.max
    /// How long a request over a quota waits for room, its connection unread, before it gets 429.
    var patienceNanoseconds: Int64 = 1_000_000_000
}

/// All decisions about who may send how much, in virtual time: no clock, no lock, no socket.
///
/// A request is admitted before its body is read. What it brings is *unverified* until the verifier's verdict; verdicts
/// make a sender's record. One whose webhooks verify may use what is left of the journal when it runs full, and has room
/// for large bodies; one whose webhooks fail pays for each from a small quota of its own, and waits when that is used up.
/// The first `freeBytes` of a body count in no quota of bytes that are unverified or refused, so a genuine sender with
/// small bodies is served beside a flood of large ones even where both share an address.
struct QuotaBook: Sendable {
    static let freeBytes = 16 << 10
    /// Accounts of senders with, and of those without, a genuine webhook; twice as many are kept at most.
    static let accountsPerGeneration = 8192
    /// Webhooks whose verdicts are waited for; those before them count as judged.
    static let pendingRecords = 65_536
    /// When no verdict came for so long, the verifiers are down: all is taken in until the journal's share is used up.
    static let verdictPatienceNanoseconds: Int64 = 5_000_000_000
    /// How long a genuine webhook gives its sender the reserved share of the journal.
    static let recordNanoseconds: Int64 = 86_400_000_000_000
    /// How long after a refused webhook a sender with a record is as narrowly bounded as a stranger.
    static let suspicionNanoseconds: Int64 = 600_000_000_000
    /// How much more than one stranger all strangers together may send that fails or is unverified …
    static let strangersFactor = 16
    /// … and how much more a sender with a record may have unverified.
    static let recordFactor = 16

    private struct SourceAccount: Sendable {
        var use = QuotaUse()
        /// By strangers.
        var refusals = QuotaUse()
    }

    /// A request as far as quotas go.
    struct Request: Sendable {
        var sender: Sender
        /// The source's own.
        var sourceQuota: QuotaConfiguration
        /// Of its body.
        var bytes: Int
        /// The latest webhook on its connection proved genuine.
        var isTrusted = false
        /// What the journal holds.
        var journalBytes = 0
    }

    var settings: QuotaSettings
    private var accounts = AccountTable()
    private var sources: [UInt32: SourceAccount] = [:]
    private var strangersUnverifiedBytes = 0
    /// Admitted and not journaled yet.
    private(set) var unjournaledBytes = 0
    /// Journaled and not judged yet, one per sequence from `firstPending` on.
    private var pending: Deque<QuotaReceipt?> = []
    private var firstPending: UInt64 = 1
    private var unjudged = 0
    /// Since when no verdict has come although some are waited for.
    private var silentSince: Int64 = 0

    init(_ settings: QuotaSettings = QuotaSettings()) {
        self.settings = settings
    }
}

// MARK: - Requests

extension QuotaBook {
    /// Admits a request, and then counts it, or says why not, and counts nothing.
    mutating func admit(_ request: Request, at now: Int64) -> QuotaDecision {
        var account = accounts.find(request.sender) ?? Account()
        var source = sources[request.sender.source] ?? SourceAccount()
        if let decision = objection(request, account, source, at: now) { return decision }
        source.use.take(request.bytes, request.sourceQuota, at: now)
        account.use.take(request.bytes, settings.quotas.perAddress, at: now)
        sources[request.sender.source] = source
        accounts.store(account, of: request.sender)
        unjournaledBytes += request.bytes
        count(Self.large(request.bytes), unverifiedOf: request.sender)
        return .admitted
    }

    private func objection(
        _ request: Request, _ account: Account, _ source: SourceAccount, at now: Int64
    ) -> QuotaDecision? {
        let quotas = settings.quotas
        let large = Self.large(request.bytes)
        let isStranger = account.verifiedAt == nil
        var wait = source.use.wait(request.sourceQuota, hasBytes: true, at: now)
        if wait > 0 { return .over(.source, waitNanoseconds: wait) }
        wait = account.use.wait(quotas.perAddress, hasBytes: true, at: now)
        if wait > 0 { return .over(.address, waitNanoseconds: wait) }
        wait = account.refusals.wait(quotas.refused, hasBytes: large > 0, at: now)
        if isStranger {
            wait = max(wait, source.refusals.wait(strangersQuota, hasBytes: large > 0, at: now))
        }
        if wait > 0, !request.isTrusted { return .over(.refused, waitNanoseconds: wait) }
        if large > 0, !isSilent(at: now), !hasRoom(large, account, at: now) {
            return .over(.unverified, waitNanoseconds: 0)
        }
        let filled = request.journalBytes + unjournaledBytes + request.bytes
        if filled > settings.journalBytes / 4 * 3, !hasRecord(account, request, at: now) { return .reserved }
        return nil
    }

    /// Whether a body fits into what may be unverified; one at a time always does.
    private func hasRoom(_ large: Int, _ account: Account, at now: Int64) -> Bool {
        let each = settings.quotas.refused.burstBytes
        if account.verifiedAt == nil {
            return account.unverifiedBytes == 0 && strangersUnverifiedBytes == 0
                || account.unverifiedBytes + large <= each
                    && strangersUnverifiedBytes + large <= each * Self.strangersFactor
        }
        let isSuspect = account.refusedAt.map { now - $0 < Self.suspicionNanoseconds } ?? false
        return account.unverifiedBytes == 0
            || account.unverifiedBytes + large <= each * (isSuspect ? 1 : Self.recordFactor)
    }

    private func hasRecord(_ account: Account, _ request: Request, at now: Int64) -> Bool {
        guard let verifiedAt = account.verifiedAt, now - verifiedAt < Self.recordNanoseconds else { return false }
        return request.isTrusted || account.refusals.wait(settings.quotas.refused, hasBytes: true, at: now) == 0
    }

    private var strangersQuota: QuotaConfiguration {
        let each = settings.quotas.refused
        return QuotaConfiguration(
            requestsPerSecond: each.requestsPerSecond * Self.strangersFactor,
            bytesPerSecond: each.bytesPerSecond * Self.strangersFactor, burst: each.burst)
    }

    /// An admitted request will not be journaled.
    mutating func release(_ receipt: QuotaReceipt) {
        guard receipt != .none else { return }
        unjournaledBytes -= Int(receipt.bytes)
        count(-Self.large(Int(receipt.bytes)), unverifiedOf: receipt.sender)
    }

    /// An admitted request turned out to be smaller than it might have been.
    mutating func shrink(_ receipt: QuotaReceipt, toBytes bytes: UInt32) {
        unjournaledBytes -= Int(receipt.bytes) - Int(bytes)
        count(Self.large(Int(bytes)) - Self.large(Int(receipt.bytes)), unverifiedOf: receipt.sender)
    }

    private static func large(_ bytes: Int) -> Int { max(0, bytes - freeBytes) }

    private mutating func count(_ bytes: Int, unverifiedOf sender: Sender) {
        guard bytes != 0 else { return }
        let found = accounts.find(sender)
        if found?.verifiedAt == nil { strangersUnverifiedBytes = max(0, strangersUnverifiedBytes + bytes) }
        // An account that was dropped meanwhile has nothing to give back.
        guard var account = found else { return }
        account.unverifiedBytes = max(0, account.unverifiedBytes + bytes)
        accounts.store(account, of: sender)
    }
}

// MARK: - Verdicts

extension QuotaBook {
    /// Webhooks are on disk, the first under that sequence.
    mutating func journaled(_ receipts: some Sequence<QuotaReceipt>, first: UInt64, at now: Int64) {
        if first != firstPending + UInt64(pending.count) { forgetPending(next: first) }
        for receipt in receipts {
            unjournaledBytes -= Int(receipt.bytes)
            if receipt != .none, unjudged == 0 { silentSince = now }
            if receipt != .none { unjudged += 1 }
            pending.append(receipt == .none ? nil : receipt)
        }
        while pending.count > Self.pendingRecords { dropFirst() }
    }

    /// The verifier's verdict on webhooks; nil: neither genuine nor false.
    mutating func judged(_ sequences: SequenceRange, isGenuine: Bool?, at now: Int64) {
        let end = firstPending + UInt64(pending.count)
        guard sequences.last >= firstPending, sequences.first < end else { return }
        silentSince = now
        for sequence in max(sequences.first, firstPending)...min(sequences.last, end - 1) {
            let index = Int(sequence - firstPending)
            guard let receipt = pending[index] else { continue }
            pending[index] = nil
            unjudged -= 1
            count(-Self.large(Int(receipt.bytes)), unverifiedOf: receipt.sender)
            if let isGenuine { note(receipt, isGenuine: isGenuine, at: now) }
        }
        while let front = pending.first, front == nil { dropFirst() }
    }

    private mutating func note(_ receipt: QuotaReceipt, isGenuine: Bool, at now: Int64) {
        var account = accounts.find(receipt.sender) ?? Account()
        let isStranger = account.verifiedAt == nil
        if isGenuine {
            if isStranger {
                accounts.promote(receipt.sender)
                strangersUnverifiedBytes = max(0, strangersUnverifiedBytes - account.unverifiedBytes)
            }
            account.verifiedAt = now
        } else {
            let large = Self.large(Int(receipt.bytes))
            account.refusedAt = now
            account.refusals.take(large, settings.quotas.refused, at: now)
            if isStranger {
                var source = sources[receipt.sender.source] ?? SourceAccount()
                source.refusals.take(large, strangersQuota, at: now)
                sources[receipt.sender.source] = source
            }
        }
        accounts.store(account, of: receipt.sender)
    }

    /// The router has everything up to there; what has no verdict by now gets none.
    mutating func settled(through watermark: UInt64) {
        while !pending.isEmpty, firstPending <= watermark { dropFirst() }
    }

    /// The sequences count no longer; the next one is `next`.
    mutating func forgetPending(next: UInt64) {
        while !pending.isEmpty { dropFirst() }
        firstPending = next
    }

    private mutating func dropFirst() {
        let receipt = pending.removeFirst()
        firstPending += 1
        guard let receipt else { return }
        unjudged -= 1
        count(-Self.large(Int(receipt.bytes)), unverifiedOf: receipt.sender)
    }

    private func isSilent(at now: Int64) -> Bool {
        unjudged > 0 && now - silentSince > Self.verdictPatienceNanoseconds
    }

    /// Webhooks on disk that wait for a verdict.
    var unjudgedCount: Int { unjudged }
}
