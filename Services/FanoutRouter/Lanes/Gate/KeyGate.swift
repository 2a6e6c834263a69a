/// Keeps the events of one partition key in order: one under way, the others behind it. Pure.
struct KeyGate: Sendable {
    /// Positions that wait behind the one under way, by key. A key is here exactly while it is taken.
    private var waiting: [[UInt8]: [UInt64]] = [:]
    private var keys: [UInt64: [UInt8]] = [:]

    /// Whether nothing is under way or waits.
    var isEmpty: Bool { keys.isEmpty }

    /// Takes the next event of a key; true when it may be attempted at once, otherwise it waits for its turn.
    mutating func enter(_ position: UInt64, key: [UInt8]) -> Bool {
        keys[position] = key
        if waiting[key] == nil {
            waiting[key] = []
            return true
        }
        waiting[key]?.append(position)
        return false
    }

    /// The event is delivered or given up; returns the next one of its key.
    mutating func leave(_ position: UInt64) -> UInt64? {
        guard let key = keys.removeValue(forKey: position) else { return nil }
        guard waiting[key]?.isEmpty == false else {
            waiting[key] = nil
            return nil
        }
        return waiting[key]?.removeFirst()
    }
}
