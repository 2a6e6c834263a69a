import GRDB

/// Keeps the quarantine within its bounds; the oldest webhooks go first.
///
/// Every source has two budgets, one for what failed its verification, which anybody can send, and one for what was
/// refused after it. Sources that are not configured share a pair. A budget is the configured bound or an equal part of the
/// whole quarantine's bytes, whichever is smaller: so the whole is bounded without any budget ever taking from another,
/// and a flood of forgeries displaces forgeries of the same source and nothing else.
struct QuarantineBounds {
    /// What shares a budget; a nil source stands for all that are not configured.
    private struct Budget: Hashable {
        var source: String?
        var isVerified: Bool
    }

    private struct Held {
        var webhooks = 0
        var bytes: Int64 = 0
    }

    /// The name under which sources that are not configured are counted together.
    static let otherSources = "other"

    private let limit: Int
    private let limitBytes: Int64
    private let configured: Set<String>
    /// The members of the shared pair of budgets that have been seen.
    private var others: Set<String> = []
    private var held: [Budget: Held] = [:]
    private var displaced: [String?: Int] = [:]

    init(_ db: Database, settings: EventLogSettings) throws {
        configured = Set(settings.quarantineSources)
        limit = max(1, settings.quarantinePerSource)
        let budgets = Int64(2 * (configured.count + 1))
        limitBytes = min(settings.quarantineBytesPerSource, settings.quarantineTotalBytes / budgets)
        let rows = try Row.fetchAll(
            db, sql: "SELECT source, verified, count(*), sum(bytes) FROM quarantine GROUP BY source, verified")
        for row in rows {
            let budget = budget(row[0], isVerified: row[1])
            held[budget, default: Held()].webhooks += row[2]
            held[budget, default: Held()].bytes += row[3]
        }
    }

    /// How full each source's quarantine is, in the order of their names.
    var use: [QuarantineUse] {
        let names = configured.sorted().map { (Optional($0), $0) } + [(nil, Self.otherSources)]
        return names.map { source, name in
            var use = QuarantineUse(source: name, displaced: displaced[source] ?? 0)
            for isVerified in [false, true] {
                guard let held = held[Budget(source: source, isVerified: isVerified)] else { continue }
                use.webhooks += held.webhooks
                use.bytes += held.bytes
                let shares = [Double(held.webhooks) / Double(limit), Double(held.bytes) / Double(max(1, limitBytes))]
                use.fullness = max(use.fullness, shares.max() ?? 0)
            }
            return use
        }
    }

    /// Inserts `webhooks` and drops what they displace. Of each budget at least the newest webhook is kept. What was
    /// refused again takes the place and the id of the entry that it came from.
    mutating func insert(_ webhooks: [QuarantinedWebhook], _ db: Database) throws {
        for var webhook in webhooks {
            if webhook.isReplay {
                let origin = try QuarantineTable.origin(of: webhook, db)
                webhook.tries = (origin?.tries ?? 0) + 1
                if let line = origin?.line {
                    webhook.id = line.id
                    try drop([line], db)
                }
            }
            let bytes = try QuarantineTable.insert(webhook, db)
            let budget = budget(webhook.source, isVerified: webhook.isVerified)
            held[budget, default: Held()].webhooks += 1
            held[budget, default: Held()].bytes += bytes
            while let now = held[budget], isOver(now), try dropOldest(of: budget, db) {}
        }
    }

    /// Drops at most `rows` webhooks of budgets that hold more than they may, as after a change of the configuration.
    /// Returns how many.
    mutating func shrink(rows: Int, _ db: Database) throws -> Int {
        var dropped = 0
        for budget in Array(held.keys) {
            while dropped < rows, let now = held[budget], isOver(now), try dropOldest(of: budget, db) { dropped += 1 }
        }
        return dropped
    }

    /// Drops webhooks chosen by others.
    mutating func drop(_ rows: [QuarantineTable.Line], _ db: Database) throws {
        for row in rows {
            try QuarantineTable.delete(row.id, db)
            forget(row.bytes, budget(row.source, isVerified: row.isVerified))
        }
    }

    private func isOver(_ now: Held) -> Bool {
        now.webhooks > limit || (now.bytes > limitBytes && now.webhooks > 1)
    }

    private mutating func dropOldest(of budget: Budget, _ db: Database) throws -> Bool {
        var oldest: QuarantineTable.Line?
        for source in budget.source.map({ [$0] }) ?? Array(others) {
            guard let line = try QuarantineTable.oldest(source, isVerified: budget.isVerified, db) else { continue }
            if oldest.map({ line.id < $0.id }) ?? true { oldest = line }
        }
        guard let oldest else { return false }
        try QuarantineTable.delete(oldest.id, db)
        forget(oldest.bytes, budget)
        displaced[budget.source, default: 0] += 1
        return true
    }

    private mutating func forget(_ bytes: Int64, _ budget: Budget) {
        held[budget]?.webhooks -= 1
        held[budget]?.bytes -= bytes
    }

    private mutating func budget(_ source: String, isVerified: Bool) -> Budget {
        if configured.contains(source) { return Budget(source: source, isVerified: isVerified) }
        others.insert(source)
        return Budget(source: nil, isVerified: isVerified)
    }
}
