import EventDelivery
import EventLog
import StageMetrics
import Wire

/// An event that was looked up: its row and where it is in it.
struct FoundEvent: Sendable {
    let batch: EventBatch
    let position: UInt64
}

/// Finds events for operators, giving up the reader thread between the turns of a search.
struct EventLookup {
    /// How long one request may search; the rest is for the next page.
    static let patienceNanoseconds: Int64 = 2_000_000_000
    /// The highest position that a JSON number holds exactly.
    static let maxPosition: UInt64 = 1 << 53 - 1

    let reading: LogReading

    /// The event with that position or, of all with that id, the newest. Throws `APIProblem` where there is none.
    func event(_ name: String, source: String? = nil) throws -> FoundEvent {
        if let position = Self.position(name), let found = try event(at: position), found.comes(from: source) {
            return found
        }
        var query = EventQuery()
        query.id = name
        query.source = source
        query.isDescending = true
        query.limit = 1
        while true {
            let asked = query
            let page = try reading.read { try $0.search(asked) }
            if let match = page.matches.first { return FoundEvent(batch: match.batch, position: match.position) }
            guard let next = page.next else { break }
            query.after = next
        }
        let place = source.map { " from the source \($0)" } ?? ""
        throw APIProblem(.notFound, "no event\(place) has the position or id \(name), or it is no longer kept")
    }

    /// What `view` makes of the matches, until there are as many as asked for, the log ends or the patience does; `next`
    /// is where to go on. No more of the log is held than one turn reads.
    func search<View>(
        _ asked: EventQuery, _ view: (EventRecord, UInt64) -> View
    ) throws -> (views: [View], next: UInt64?) {
        var query = asked
        var views: [View] = []
        let deadline = monotonicNanoseconds() + Self.patienceNanoseconds
        while true {
            query.limit = asked.limit - views.count
            let turn = query
            let page = try reading.read { try $0.search(turn) }
            views += page.matches.compactMap { match in
                match.batch.withRecord(at: match.position) { view($0, match.position) }
            }
            guard let next = page.next, views.count < asked.limit, monotonicNanoseconds() < deadline else {
                return (views, page.next)
            }
            query.after = next
        }
    }

    private func event(at position: UInt64) throws -> FoundEvent? {
        try reading.read { try $0.batch(holding: position) }.map { FoundEvent(batch: $0, position: position) }
    }

    /// A position as text: digits without leading zeros.
    static func position(_ text: String) -> UInt64? {
        guard let position = UInt64(text), (1...maxPosition).contains(position), "\(position)" == text else {
            return nil
        }
        return position
    }
}

extension FoundEvent {
    /// Whether it came from the source of that name; nil: from any.
    fileprivate func comes(from source: String?) -> Bool {
        guard let source else { return true }
        return batch.withRecord(at: position) { $0.source.elementsEqual(source.utf8) } ?? false
    }
}
