import GRDB

extension SegmentEventLog {
    package func lane(_ subscription: String) throws -> SavedLane {
        try state.perform { state in
            try state.writing { try LaneTables.load(subscription, startingAfter: state.nextPosition - 1, $0) }
        }
    }

    package func subscriptions() throws -> [StoredSubscription] {
        try state.perform { try $0.queue.read { try SubscriptionTable.all($0) } }
    }

    package func store(_ subscription: StoredSubscription, lane: UInt64?) throws {
        try state.perform { state in
            try state.writing { db in
                try SubscriptionTable.write(subscription, db)
                if let lane { try LaneTables.begin(subscription.name, after: lane, db) }
            }
            if lane != nil { state.laneBounds.forget(subscription.name) }
        }
    }

    package func dropSubscription(_ name: String, rows: Int) throws -> Bool {
        try state.perform { state in
            state.mayHaveOrphans = true
            let dropped = try state.writing { db in
                try SubscriptionTable.drop(name, db)
                return try SubscriptionTable.dropRemains(of: name, rows: rows, db)
            }
            state.laneBounds.forget(name)
            return dropped < rows
        }
    }

    package func add(_ job: ReplayJob) throws -> ReplayJob {
        try state.perform { state in
            var added = job
            added.id = try state.writing { try ReplayTables.insert(job, keeping: state.settings.endedReplays, $0) }
            return added
        }
    }

    package func save(_ job: ReplayJob, queueing positions: [UInt64]) throws -> Int {
        try state.perform { state in
            let (queued, deadLetters) = try state.writing { db in
                guard try ReplayTables.isRunning(job.id, db) else { return (queued: 0, deadLetters: 0) }
                let done = try ReplayTables.queue(positions, for: job, db)
                try ReplayTables.update(job, queued: done.queued, skipped: positions.count - done.queued, db)
                return done
            }
            state.laneBounds.adjust(job.subscription, deadLetters: -deadLetters)
            return queued
        }
    }

    package func cancelReplay(_ id: Int64, rows: Int, atNanoseconds: Int64) throws -> Bool {
        try state.perform { state in
            let subscription = try state.queue.read { try ReplayTables.one(id, $0)?.subscription }
            guard let subscription else { return true }
            let (unqueued, deadLetters) = try state.writing { db in
                try ReplayTables.cancel(id, atNanoseconds: atNanoseconds, db)
                return try ReplayTables.unqueue(id, rows: rows, db)
            }
            state.laneBounds.adjust(subscription, deadLetters: deadLetters)
            return unqueued < rows
        }
    }

    package func dropReplay(_ id: Int64) throws -> Bool {
        try state.perform { try $0.writing { try ReplayTables.drop(id, $0) } }
    }

    package func save(cursors: [String: UInt64], atNanoseconds: Int64) throws {
        try state.perform { try $0.writing { try CursorTable.write(cursors, atNanoseconds: atNanoseconds, $0) } }
    }

    package var displacedDeadLetters: Int { (try? state.perform(\.laneBounds.displaced)) ?? 0 }

    package var deadLetterCounts: [String: Int] { (try? state.perform(\.laneBounds.deadLetters)) ?? [:] }
}

extension EventState {
    /// Drops at most `rows` dead letters, of the next thousand exceptions, that are over age and whose events are gone.
    func dropAgedDeadLetters(before oldest: Int64, rows: Int) throws -> Int {
        let (doomed, end) = try queue.read { db in
            try DeadLetterTable.aged(
                before: oldest, below: firstPosition, after: deadLetterSweep, rows: max(rows, 1000), db)
        }
        let chosen = doomed.prefix(rows)
        if !chosen.isEmpty {
            try writing { db in
                for place in chosen { try DeadLetterTable.delete(place, db) }
            }
            for place in chosen { laneBounds.adjust(place.subscription, deadLetters: -1) }
        }
        deadLetterSweep = chosen.count < doomed.count ? chosen.last : end
        return chosen.count
    }

    /// Drops at most `rows` rows of subscriptions that were dropped before a crash, or whose dropping was given up.
    func dropOrphans(rows: Int) throws -> Int {
        guard mayHaveOrphans else { return 0 }
        let (found, last) = try queue.read { try SubscriptionTable.orphans(above: orphanSweep, names: 64, $0) }
        guard let name = found.first else {
            orphanSweep = last ?? ""
            mayHaveOrphans = last != nil
            return 0
        }
        return try writing { try SubscriptionTable.dropRemains(of: name, rows: rows, $0) }
    }
}
