/// Which (source, id) were logged lately: the 128-bit keyed hash of each event by position, in 32 to 64 bytes per event.
///
/// Hashes lie in a ring in the order of positions; an open-addressing table (linear probing, backward-shift deletion)
/// finds them. Pure; no clock, no I/O.
struct DedupeTable {
    private static let empty = UInt32.max
    private let limit: Int
    /// The position of the oldest hash held.
    private(set) var base: UInt64
    /// The position that the next hash gets.
    private(set) var next: UInt64
    private var ring: [UInt128]
    private var slots: [UInt32]

    /// An empty table whose first hash belongs to position `next`. It grows up to `limit` hashes.
    init(limit: Int, next: UInt64) {
        self.limit = max(1, limit)
        base = next
        self.next = next
        ring = [UInt128](repeating: 0, count: 1024)
        slots = [UInt32](repeating: Self.empty, count: 4096)
    }

    var count: Int { Int(next - base) }

    /// Adds the hash of the event at position `next`. Returns true where the oldest had to go to make room.
    mutating func append(_ hash: UInt128) -> Bool {
        var evicted = false
        if count >= limit {
            dropOldest()
            evicted = true
        }
        if count == ring.count { grow() }
        let place = Int(next % UInt64(ring.count))
        ring[place] = hash
        insert(place)
        next += 1
        return evicted
    }

    /// Forgets everything below `position`.
    mutating func drop(below position: UInt64) {
        while base < position && base < next { dropOldest() }
        if base < position {
            base = position
            next = max(next, position)
        }
    }

    /// Whether an event has that hash.
    func contains(_ hash: UInt128) -> Bool { !positions(of: hash).isEmpty }

    /// The positions of all events with that hash, mostly none or one.
    func positions(of hash: UInt128) -> [UInt64] {
        var found: [UInt64] = []
        var slot = home(of: hash)
        while slots[slot] != Self.empty {
            let place = Int(slots[slot])
            if ring[place] == hash { found.append(position(ofPlace: place)) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return found
    }

    private func position(ofPlace place: Int) -> UInt64 {
        let size = UInt64(ring.count)
        return base + (UInt64(place) + size - base % size) % size
    }

    private func home(of hash: UInt128) -> Int {
        Int(truncatingIfNeeded: hash) & (slots.count - 1)
    }

    private mutating func insert(_ place: Int) {
        var slot = home(of: ring[place])
        while slots[slot] != Self.empty { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(place)
    }

    private mutating func dropOldest() {
        let place = Int(base % UInt64(ring.count))
        var hole = home(of: ring[place])
        while slots[hole] != UInt32(place) {
            guard slots[hole] != Self.empty else { preconditionFailure("every hash in the ring is in the table") }
            hole = (hole + 1) & (slots.count - 1)
        }
        var slot = (hole + 1) & (slots.count - 1)
        while slots[slot] != Self.empty {
            let home = home(of: ring[Int(slots[slot])])
            // The entry may move into the hole when its home does not lie between hole and slot.
            if (slot - home) & (slots.count - 1) >= (slot - hole) & (slots.count - 1) {
                slots[hole] = slots[slot]
                hole = slot
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[hole] = Self.empty
        base += 1
    }

    private mutating func grow() {
        let old = self
        ring = [UInt128](repeating: 0, count: old.ring.count * 2)
        slots = [UInt32](repeating: Self.empty, count: old.slots.count * 2)
        for position in old.base..<old.next {
            let place = Int(position % UInt64(ring.count))
            ring[place] = old.ring[Int(position % UInt64(old.ring.count))]
            insert(place)
        }
    }
}
