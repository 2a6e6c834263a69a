import Synchronization

/// A number that only grows, counted with one relaxed atomic addition; safe from every thread.
package final class Counter: Sendable {
    private let total = Atomic<Int>(0)

    init() {}

    /// Adds to the counter. A negative amount is ignored: a counter never goes back.
    package func add(_ amount: Int = 1) {
        guard amount > 0 else { return }
        total.wrappingAdd(amount, ordering: .relaxed)
    }

    /// What was counted since the process started.
    package var value: Int {
        total.load(ordering: .relaxed)
    }
}

/// A number that goes up and down; safe from every thread.
package final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    init() {}

    /// Replaces the value.
    package func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    /// Adds to the value; a negative amount takes away.
    package func add(_ amount: Double) {
        var seen = bits.load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: seen) + amount).bitPattern
            let (exchanged, now) = bits.compareExchange(expected: seen, desired: sum, ordering: .relaxed)
            if exchanged { return }
            seen = now
        }
    }

    /// The value as last set.
    package var value: Double {
        Double(bitPattern: bits.load(ordering: .relaxed))
    }
}
