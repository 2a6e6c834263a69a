package import EventLog

extension EventLog {
    /// Queues positions for replay by a job that does nothing else. Returns how many were
    /// queued.
    package func queueReplay(subscription: String, positions: [UInt64]) throws -> Int {
        let job = try add(
            ReplayJob(subscription: subscription, selection: "{}", position: 0, last: 0, createdAtNanoseconds: 1))
        return try save(job, queueing: positions)
    }
}

extension EventLogReader {
    /// The first dead letters, by position.
    package func deadLetters(
        subscription: String?, limit: Int
    ) throws -> [(subscription: String, letter: DeadLetter)] {
        var query = DeadLetterQuery()
        query.filter.subscription = subscription
        query.limit = limit
        return try deadLetters(query).letters
    }
}
