/// Deliveries that wait for a time, the earliest first: a binary heap. Pure.
///
/// An entry that is no longer wanted may stay: who takes one out looks whether it still counts.
struct DueQueue: Sendable {
    private var heap: [(due: Int64, position: UInt64)] = []

    var count: Int { heap.count }
    /// The earliest; of equal ones the lowest position.
    var first: (due: Int64, position: UInt64)? { heap.first }

    mutating func add(_ due: Int64, _ position: UInt64) {
        heap.append((due, position))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child] < heap[parent] else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
