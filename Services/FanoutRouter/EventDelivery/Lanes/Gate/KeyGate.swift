/// Keeps the events of one partition key in order: one under way, the others behind it. Pure.
struct KeyGate: Sendable {
    /// The unfinished events of each key in log order; the first one's turn it is.
    private var lines: [[UInt8]: [UInt64]] = [:]
    private var keys: [UInt64: [UInt8]] = [:]

    /// Whether nothing is under way or waits.
    var isEmpty: Bool { keys.isEmpty }

    /// Takes the next event of a key; true when it may be attempted at once, otherwise it waits for its turn.
    mutating func enter(_ position: UInt64, key: [UInt8]) -> Bool {
        keys[position] = key
        lines[key, default: []].append(position)
        return lines[key]?.count == 1
    }

    /// Whether it is that event's turn, or the event is in no line.
    func mayGo(_ position: UInt64) -> Bool {
        blocker(of: position) == nil
    }

    /// The event of its key whose turn it is instead; nil where none keeps it waiting.
    func blocker(of position: UInt64) -> UInt64? {
        guard let key = keys[position], let first = lines[key]?.first, first != position else { return nil }
        return first
    }

    /// How many of its key come first.
    func ahead(of position: UInt64) -> Int {
        keys[position].flatMap { lines[$0]?.firstIndex(of: position) } ?? 0
    }

    /// The event is delivered or given up; returns the one whose turn has come by that. Events that were under way
    /// before order was asked for may leave out of turn.
    mutating func leave(_ position: UInt64) -> UInt64? {
        guard let key = keys.removeValue(forKey: position), let index = lines[key]?.firstIndex(of: position) else {
            return nil
        }
        lines[key]?.remove(at: index)
        if lines[key]?.isEmpty == true { lines[key] = nil }
        return index == 0 ? lines[key]?.first : nil
    }
}
