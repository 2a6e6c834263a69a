/// Keeps attempts away from an endpoint that fails: after a few failures in a row it lets nothing through for a while,
/// then one attempt as a probe. Pure.
package struct CircuitBreaker: Sendable {
    /// Failures in a row that open it.
    static let failuresToOpen = 5
    static let firstPauseNanoseconds: Int64 = 1_000_000_000
    static let longestPauseNanoseconds: Int64 = 60_000_000_000

    /// What it lets through.
    package enum State: Equatable, Sendable {
        case closed
        /// Nothing until then; after it one probe.
        case open(until: Int64)
        /// The probe is under way.
        case probing

        package static let words = ["closed", "open", "probing"]

        /// The stable word in API and metrics: one of `words`.
        var word: String {
            switch self {
            case .closed: "closed"
            case .open: "open"
            case .probing: "probing"
            }
        }
    }

    private(set) var state = State.closed
    private var failures = 0
    private var pauses = 0

    /// How many attempts may be under way at `now`.
    func limit(now: Int64) -> Int {
        switch state {
        case .closed: .max
        case .open(let until): now >= until ? 1 : 0
        case .probing: 1
        }
    }

    /// When a closed door is looked at again; nil while nothing needs to be waited for.
    var reopensAt: Int64? {
        if case .open(let until) = state { until } else { nil }
    }

    mutating func started(now: Int64) {
        // A retry that does not wait for it is no probe.
        if case .open(let until) = state, now >= until { state = .probing }
    }

    mutating func succeeded() {
        state = .closed
        failures = 0
        pauses = 0
    }

    /// `chance` from 0 to 1 lengthens the pause by up to a fifth.
    mutating func failed(now: Int64, chance: Double) {
        failures += 1
        switch state {
        case .closed: if failures >= Self.failuresToOpen { open(now: now, chance: chance) }
        case .probing: open(now: now, chance: chance)
        // An attempt that began before it opened.
        case .open: break
        }
    }

    private mutating func open(now: Int64, chance: Double) {
        let pause = min(Self.firstPauseNanoseconds << Int64(min(pauses, 10)), Self.longestPauseNanoseconds)
        pauses += 1
        state = .open(until: now + pause + Int64(Double(pause) * 0.2 * min(max(chance, 0), 1)))
    }
}
