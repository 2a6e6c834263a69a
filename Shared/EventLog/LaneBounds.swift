import GRDB

/// Keeps attempts and dead letters within their bounds: counts them in memory, so that a commit neither walks over them
/// nor drops more than about what it adds.
struct LaneBounds {
    /// What a commit drops beyond twice what it adds, where a smaller configuration or more subscriptions left too
    /// much.
    private static let extraRows = 64

    private let settings: EventLogSettings
    private var attempts: [String: Int] = [:]
    private(set) var deadLetters: [String: Int]
    /// Dead letters that this transaction adds to one subscription.
    private var newDeadLetters = 0
    /// Dead letters dropped to make room, since the log was opened.
    private(set) var displaced = 0

    /// `deadLetters`: of each subscription that has a place in the log.
    init(_ settings: EventLogSettings, deadLetters: [String: Int] = [:]) {
        self.settings = settings
        self.deadLetters = deadLetters
    }

    /// A row of the exceptions is about to be dropped or written over.
    mutating func willReplace(_ subscription: String, _ position: UInt64, _ db: Database) throws {
        let state = try String.fetchOne(
            db.cachedStatement(sql: "SELECT state FROM exception WHERE subscription = ? AND position = ?"),
            arguments: [subscription, Int64(bitPattern: position)])
        if state == LaneTables.State.dead.rawValue { deadLetters[subscription]? -= 1 }
    }

    /// A dead letter is about to be written.
    mutating func willDie(_ subscription: String, _ db: Database) throws {
        let known = try deadLetters[subscription] ?? DeadLetterTable.count(of: subscription, db)
        deadLetters[subscription] = known + 1
        newDeadLetters += 1
    }

    /// Dead letters of a subscription came or went by other ways.
    mutating func adjust(_ subscription: String, deadLetters difference: Int) {
        deadLetters[subscription]? += difference
    }

    /// A subscription was dropped, or begins anew: counted when next needed.
    mutating func forget(_ subscription: String) {
        attempts[subscription] = nil
        deadLetters[subscription] = nil
    }

    /// Drops what exceeds the bounds after a lane's progress was written.
    mutating func prune(_ subscription: String, newAttempts: Int, _ db: Database) throws {
        if newAttempts > 0 {
            let counted =
                try attempts[subscription].map { $0 + newAttempts } ?? AttemptTable.count(of: subscription, db)
            attempts[subscription] = counted
            let limit = min(settings.attemptsPerSubscription, settings.attemptsTotal / max(1, attempts.count))
            let excess = min(counted - limit, 2 * newAttempts + Self.extraRows)
            if excess > 0 {
                attempts[subscription] = try counted - AttemptTable.dropOldest(excess, of: subscription, db)
            }
        }
        if newDeadLetters > 0, let counted = deadLetters[subscription] {
            let excess = min(counted - settings.deadLettersPerSubscription, 2 * newDeadLetters + Self.extraRows)
            if excess > 0 {
                let dropped = try DeadLetterTable.dropOldest(excess, of: subscription, db)
                deadLetters[subscription] = counted - dropped
                displaced += dropped
            }
        }
        newDeadLetters = 0
    }
}
