package import Wire

/// The records of one journal that arrived before their turn, and how far the log has come.
package struct ReorderWindow<Payload> {
    package enum Arrival: Equatable, Sendable {
        case kept
        /// Already released or already here.
        case duplicate
        /// Beyond what the ingress may have unsettled.
        case outsideWindow
    }

    /// Everything up to here is committed.
    package private(set) var watermark: UInt64
    /// Everything up to here was released to the log.
    package private(set) var released: UInt64
    private var highest: UInt64
    private var slots: [Payload?]

    /// `capacity` records are reserved at once. `released` may be ahead of the watermark.
    package init(watermark: UInt64, released: UInt64, capacity: Int) {
        self.watermark = watermark
        self.released = max(watermark, released)
        highest = self.released
        slots = Array(repeating: nil, count: capacity)
    }

    package var capacity: Int { slots.count }

    package mutating func insert(_ sequence: UInt64, _ payload: Payload) -> Arrival {
        guard sequence > released else { return .duplicate }
        guard sequence <= watermark + UInt64(slots.count) else { return .outsideWindow }
        let slot = slot(sequence)
        guard slots[slot] == nil else { return .duplicate }
        slots[slot] = payload
        highest = max(highest, sequence)
        return .kept
    }

    /// The next record in order, when it is here.
    package mutating func release() -> Payload? {
        guard highest > released else { return nil }
        let slot = slot(released + 1)
        guard let payload = slots[slot] else { return nil }
        slots[slot] = nil
        released += 1
        return payload
    }

    package mutating func committed(_ reached: UInt64) {
        watermark = max(watermark, min(reached, released))
    }

    /// What is here above the watermark, released or not.
    package func held(atMost limit: Int) -> [SequenceRange] {
        var ranges: [SequenceRange] = []
        if released > watermark { ranges.append(SequenceRange(watermark + 1, released)) }
        var sequence = released + 1
        while sequence <= highest, ranges.count < limit {
            if slots[slot(sequence)] != nil {
                if let last = ranges.indices.last, ranges[last].last + 1 == sequence {
                    ranges[last].last = sequence
                } else {
                    ranges.append(SequenceRange(sequence, sequence))
                }
            }
            sequence += 1
        }
        return ranges
    }

    private func slot(_ sequence: UInt64) -> Int { Int(sequence % UInt64(slots.count)) }
}

extension ReorderWindow: Sendable where Payload: Sendable {}
