/// Deliveries by the time that each waits for, the earliest first: a binary heap. Pure.
struct DueQueue: Sendable {
    /// May hold more than counts, but for its first entry.
    private var heap: [(due: Int64, position: UInt64)] = []
    /// What counts.
    private var times: [UInt64: Int64] = [:]

    var count: Int { times.count }
    var isEmpty: Bool { times.isEmpty }
    /// The earliest; of equal ones the lowest position.
    var first: (due: Int64, position: UInt64)? { heap.first }

    /// Adds a delivery, or gives it another time; nil takes it away.
    mutating func set(_ position: UInt64, _ due: Int64?) {
        if let due {
            times[position] = due
            heap.append((due, position))
            var child = heap.count - 1
            while child > 0 {
                let parent = (child - 1) / 2
                guard heap[child] < heap[parent] else { break }
                heap.swapAt(child, parent)
                child = parent
            }
        } else if times.removeValue(forKey: position) == nil {
            return
        }
        dropOutdated()
    }

    private mutating func dropOutdated() {
        while let first = heap.first, times[first.position] != first.due { removeRoot() }
        guard heap.count > 2 * times.count + 64 else { return }
        // What is sorted is a heap.
        heap = times.map { ($0.value, $0.key) }.sorted { $0 < $1 }
    }

    private mutating func removeRoot() {
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
