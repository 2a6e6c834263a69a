import Dispatch
import EventLog
package import JSON
import Logging
import NIOCore
import PipelineConfiguration
import Primitives
import StageMetrics
import Synchronization

/// What came of a rotation.
package struct RotatedSecret: Sendable {
    /// The new secret where the router made it; shown only this once.
    package let made: [UInt8]?
    package let fingerprint: String
    /// How long the former ones sign too: nanoseconds since 1970; nil where they stopped at once.
    package let oldUntilNanoseconds: Int64?
}

extension SubscriptionStore {
    static let defaultOverlap = Duration.seconds(86_400)
    static let longestOverlap = Duration.seconds(30 * 86_400)

    /// Signs with a new secret from now on; those from before sign beside it until `keep_old` is over.
    package func rotateSecret(_ name: String, _ body: JSONValue) throws -> RotatedSecret {
        try queue.sync {
            let (former, stored) = try changeable(name)
            let now = dependencies.clock()
            let signing = former.configuration.signing
            guard signing.scheme != .none else {
                throw RouterError(.conflict, "\(name) has the scheme none and so no secret")
            }
            let overlap = try Self.overlap(body["keep_old"], signing.scheme)
            let (secret, made) = try Self.newSecret(body["secret"], former)
            let until = now + overlap.nanoseconds
            var kept: [StoredSecret] = []
            if overlap > .zero {
                kept = SigningSecrets.valid(stored.secrets, at: now).map { old in
                    var old = old
                    old.notAfterNanoseconds = min(old.notAfterNanoseconds ?? .max, until)
                    return old
                }
            }
            guard kept.count < SigningSecrets.most else {
                throw RouterError(
                    .limitReached, "\(kept.count) secrets sign already; wait until one is over, or give keep_old: 0s")
            }
            var revised = stored
            revised.secrets = SigningSecrets.stored([secret], createdAt: now) + kept
            revised.revision += 1
            revised.updatedAtNanoseconds = now
            try keep(KnownSubscription(revised, former.configuration))
            let fingerprint = SigningSecrets.fingerprint(secret)
            dependencies.logger.notice("subscription \(name): signs with a new secret, \(fingerprint)")
            armExpiry()
            return RotatedSecret(
                made: made ? secret : nil, fingerprint: fingerprint, oldUntilNanoseconds: kept.isEmpty ? nil : until)
        }
    }

    private static func overlap(
        _ value: JSONValue, _ scheme: SigningConfiguration.Scheme
    ) throws(RouterError) -> Duration {
        guard value != .null else { return scheme == .standardWebhooks ? defaultOverlap : .zero }
        guard case .string(let text) = value, let overlap = DurationText.parse(text),
            overlap >= .zero, overlap <= longestOverlap
        else { throw RouterError.invalid("/keep_old", "expected a duration from 0s to 30d, such as 24h") }
        guard scheme == .standardWebhooks || overlap == .zero else {
            throw RouterError.invalid(
                "/keep_old", "\(scheme.rawValue) has room for one signature, so the new secret counts at once")
        }
        return overlap
    }

    private static func newSecret(
        _ value: JSONValue, _ subscription: KnownSubscription
    ) throws(RouterError) -> (secret: [UInt8], isMade: Bool) {
        let signing = subscription.configuration.signing
        guard value != .null else {
            guard signing.scheme == .standardWebhooks else {
                throw RouterError.invalid("/secret", "with \(signing.scheme.rawValue) the secret must be given")
            }
            let kind = subscription.secrets.first.map { SigningSecrets.kind(of: $0.bytes) } ?? .hmac
            return (SigningSecrets.make(kind), true)
        }
        guard case .string(let text) = value else {
            throw RouterError.invalid("/secret", "expected a text")
        }
        if let problem = SigningSecrets.problem(with: text, signing) {
            throw RouterError.invalid("/secret", problem)
        }
        guard !subscription.secrets.contains(where: { $0.bytes == Array(text.utf8) }) else {
            throw RouterError.invalid("/secret", "this one signs already; give another")
        }
        return (Array(text.utf8), false)
    }

    /// The secret that the router makes for a new subscription; nil where none is needed or some were given.
    static func secretsForNew(_ draft: SubscriptionDraft) throws(RouterError) -> [UInt8]? {
        let scheme = draft.configuration.signing.scheme
        guard draft.secrets == nil, scheme != .none else { return nil }
        guard scheme == .standardWebhooks else {
            throw RouterError.invalid("/signing/secrets", "\(scheme.rawValue) needs one secret, as a text")
        }
        return SigningSecrets.make(draft.kind ?? .hmac)
    }

    /// What signs after a change of the document: what was given, or what signed before, or with another scheme a new
    /// one.
    static func secrets(
        for draft: SubscriptionDraft, of former: KnownSubscription, at nanoseconds: Int64
    ) throws(RouterError) -> (secrets: [StoredSecret], made: [UInt8]?) {
        let isSameScheme = draft.configuration.signing.scheme == former.configuration.signing.scheme
        guard draft.secrets == nil, !isSameScheme else {
            guard draft.kind == nil else {
                throw RouterError.invalid("/signing/key", "rotate the secret to sign with another")
            }
            let given = draft.secrets.map { SigningSecrets.stored($0, createdAt: nanoseconds) }
            return (given ?? former.secrets, nil)
        }
        let made = try secretsForNew(draft)
        return (SigningSecrets.stored(made.map { [$0] } ?? [], createdAt: nanoseconds), made)
    }

    // MARK: Expiry

    /// Lets go of secrets whose time is over. Runs on the queue of the store.
    func expireSecrets() {
        let now = dependencies.clock()
        let all = state.withLock { state in
            state.expiryDue = nil
            return state.isStopped ? [] : Array(state.stored.values)
        }
        for former in all {
            guard var stored = former.stored else { continue }
            let secrets = SigningSecrets.valid(stored.secrets, at: now)
            guard secrets.count < stored.secrets.count else { continue }
            stored.secrets = secrets
            do {
                // A name that the configuration has taken over has no lane of its own to tell.
                let isResting = state.withLock { $0.configured[former.name] != nil }
                let subscription = KnownSubscription(stored, former.configuration)
                try dependencies.writer.perform { try $0.store(stored, lane: nil) }
                state.withLock { $0.stored[former.name] = subscription }
                if !isResting { try reconfigureLane(subscription) }
                dependencies.logger.notice("subscription \(former.name): a former secret signs no more")
            } catch {
                dependencies.logger.error(
                    "a secret that is over cannot be dropped from the event log now; it tries again",
                    metadata: ["subscription": "\(former.name)", "cause": "\(error)"])
                try? reconfigureLane(former)
            }
        }
        armExpiry()
    }

    /// Comes back when the next secret is over. Never waits longer than an hour: the wall clock may be set.
    private func armExpiry() {
        let now = dependencies.clock()
        let due = state.withLock { state -> Int64? in
            let next = state.stored.values.flatMap(\.secrets).compactMap(\.notAfterNanoseconds).min()
            guard let next, !state.isStopped, next < state.expiryDue ?? .max else { return nil }
            state.expiryDue = next
            return next
        }
        guard let due else { return }
        let wait = min(max(due - now, 1_000_000_000), 3_600_000_000_000)
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(wait))) { [weak self] in self?.expireSecrets() }
    }
}
