import WebhookIntake

/// What is known of one sender.
struct Account: Sendable {
    /// All that it sends.
    var use = QuotaUse()
    /// What it sent that failed verification.
    var refusals = QuotaUse()
    /// Bytes beyond `QuotaBook.freeBytes` per webhook that were admitted and have no verdict yet.
    var unverifiedBytes = 0
    /// When a webhook of it last proved genuine and last failed, on the monotonic clock; nil: never.
    var verifiedAt: Int64?
    var refusedAt: Int64?
}

/// The accounts of senders, in bounded memory. Those of senders with a genuine webhook are kept apart, so that no number
/// of strangers' addresses can push them out.
struct AccountTable: Sendable {
    /// Accounts in two generations: a full one becomes the old one, and what is used again moves to the young one.
    private struct Generations: Sendable {
        private var young: [Sender: Account] = [:]
        private var old: [Sender: Account] = [:]

        func find(_ sender: Sender) -> Account? { young[sender] ?? old[sender] }

        mutating func store(_ account: Account, of sender: Sender) {
            if young.count >= QuotaBook.accountsPerGeneration, young[sender] == nil {
                old = young
                young = [:]
            }
            young[sender] = account
        }

        mutating func remove(_ sender: Sender) {
            young[sender] = nil
            old[sender] = nil
        }
    }

    private var known = Generations()
    private var strangers = Generations()

    func find(_ sender: Sender) -> Account? { known.find(sender) ?? strangers.find(sender) }

    mutating func store(_ account: Account, of sender: Sender) {
        if account.verifiedAt == nil {
            strangers.store(account, of: sender)
        } else {
            known.store(account, of: sender)
        }
    }

    /// Its first webhook proved genuine.
    mutating func promote(_ sender: Sender) { strangers.remove(sender) }
}
