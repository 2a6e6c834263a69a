/// Virtual time: what is scheduled happens in order of time, then of scheduling.
final class VirtualTime {
    private struct Entry {
        var at: Int64
        var order: Int
        var action: () -> Void

        func precedes(_ other: Entry) -> Bool { (at, order) < (other.at, other.order) }
    }

    private(set) var now: Int64 = 0
    private var heap: [Entry] = []
    private var scheduled = 0

    func after(_ delay: Int64, _ action: @escaping () -> Void) { at(now + delay, action) }

    func at(_ time: Int64, _ action: @escaping () -> Void) {
        scheduled += 1
        heap.append(Entry(at: max(time, now), order: scheduled, action: action))
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Runs until `end` or until `isDone`.
    func run(until end: Int64, isDone: () -> Bool) {
        while let first = heap.first, first.at <= end, !isDone() {
            now = first.at
            let last = heap.removeLast()
            if !heap.isEmpty {
                heap[0] = last
                sink()
            }
            first.action()
        }
    }

    private func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].precedes(heap[least])
            {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

extension Int64 {
    static func milliseconds(_ count: Int) -> Int64 { Int64(count) * 1_000_000 }
}
