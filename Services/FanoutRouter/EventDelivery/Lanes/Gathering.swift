/// Events that were taken for the next batch of a lane. Pure.
struct Gathering {
    /// Ascending.
    private(set) var events: [UInt64] = []
    /// When the wait for the batch began, by the lane's clock; nil where it did not.
    private(set) var since: Int64?
    private var bytes = 0

    init(_ events: [UInt64] = []) {
        self.events = events
    }

    func isFull(_ batch: LaneSettings.Batch) -> Bool { events.count >= batch.maxEvents || bytes >= batch.maxBytes }

    /// Begins the wait of what was put back.
    mutating func begin(now: Int64) {
        if !events.isEmpty, since == nil { since = now }
    }

    mutating func add(_ position: UInt64, bytes: Int, now: Int64) {
        events.append(position)
        self.bytes += bytes
        since = since ?? now
    }

    /// Takes the first events for a batch; what is left begins its own wait.
    mutating func take(_ count: Int, now: Int64) -> [UInt64] {
        defer {
            events.removeFirst(min(count, events.count))
            (since, bytes) = (events.isEmpty ? nil : now, 0)
        }
        return Array(events.prefix(count))
    }

    /// Puts back what found no place in its batch.
    mutating func putBack(_ first: some Collection<UInt64>) { events.insert(contentsOf: first, at: 0) }

    mutating func remove(_ position: UInt64) {
        events.removeAll { $0 == position }
        if events.isEmpty { self = Gathering() }
    }
}
