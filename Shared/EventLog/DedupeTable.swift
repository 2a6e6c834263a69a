import Glibc

/// Which (source, id) were logged lately: the keyed hash of each event by position, in 14 bytes per event.
///
/// A ring of entries in the order of positions, each linked to the one before it in its bucket. Links lead to ever older
/// positions, so a chain ends at the first that is no longer held, and forgetting takes no work. A hash counts with 64
/// bits and its bucket: 82 bits of 128 with the default limit. Memory is taken as it is used. Pure; no clock, no I/O.
struct DedupeTable: ~Copyable {
    private struct Entry {
        var low: UInt32
        var high: UInt32
        /// The low half of the position of the entry before it in its bucket.
        var former: UInt32
    }

    /// How many entries are in a bucket when the table is full.
    private static let entriesPerBucket = 2

    /// The position of the oldest hash held.
    private(set) var base: UInt64
    /// The position that the next hash gets.
    private(set) var next: UInt64
    private let ring: UnsafeMutableBufferPointer<Entry>
    /// The low half of the position of the newest entry of each bucket. One that never had any leads nowhere, or to an
    /// entry of another bucket, whose hash is another.
    private let newest: UnsafeMutableBufferPointer<UInt32>

    /// An empty table of at most `limit` hashes, whose first belongs to position `next`.
    init(limit: Int, next: UInt64) {
        base = next
        self.next = next
        ring = Self.zeros(max(1, limit))
        newest = Self.zeros(limit / Self.entriesPerBucket + 1)
    }

    deinit {
        free(ring.baseAddress)
        free(newest.baseAddress)
    }

    /// Pages that nobody has written to are not in memory.
    private static func zeros<Value>(_ count: Int) -> UnsafeMutableBufferPointer<Value> {
        guard let memory = calloc(count, MemoryLayout<Value>.stride) else {
            preconditionFailure("there is no memory for \(count) hashes")
        }
        return UnsafeMutableBufferPointer(start: memory.bindMemory(to: Value.self, capacity: count), count: count)
    }

    /// Adds the hash of the event at position `next`. Returns true where the oldest had to go to make room.
    mutating func append(_ hash: UInt128) -> Bool {
        let isFull = next - base == UInt64(ring.count)
        if isFull { base += 1 }
        let (bucket, position) = (bucket(of: hash), UInt32(truncatingIfNeeded: next))
        ring[place(of: next)] = Entry(
            low: UInt32(truncatingIfNeeded: hash), high: UInt32(truncatingIfNeeded: hash >> 32),
            former: newest[bucket])
        newest[bucket] = position
        next += 1
        return isFull
    }

    /// Forgets everything below `position`.
    mutating func drop(below position: UInt64) {
        base = max(base, position)
        next = max(next, base)
    }

    /// Whether an event has that hash.
    func contains(_ hash: UInt128) -> Bool {
        let (low, high) = (UInt32(truncatingIfNeeded: hash), UInt32(truncatingIfNeeded: hash >> 32))
        var (position, link) = (next, newest[bucket(of: hash)])
        while true {
            let distance = UInt64(UInt32(truncatingIfNeeded: position) &- link)
            guard distance > 0, distance <= position - base else { return false }
            position -= distance
            let entry = ring[place(of: position)]
            if entry.low == low, entry.high == high { return true }
            link = entry.former
        }
    }

    private func place(of position: UInt64) -> Int { Int(position % UInt64(ring.count)) }

    private func bucket(of hash: UInt128) -> Int {
        Int(UInt64(truncatingIfNeeded: hash >> 64).multipliedFullWidth(by: UInt64(newest.count)).high)
    }
}
