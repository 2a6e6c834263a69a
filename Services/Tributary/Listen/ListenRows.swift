import Primitives

/// The events that `listen` has got lately, what came of each, and which of them a developer looks at.
struct ListenRows: Sendable {
    /// So many are kept; the oldest make room.
    static let most = 1000

    struct Row: Sendable {
        /// Counts from 1; the same for as long as the row is kept.
        let number: Int
        let event: ListenedEvent
        /// Of the last attempt; nil before one has ended.
        var outcome: PostOutcome?
        var nanoseconds: Int64 = 0
        var attempts = 0
    }

    private var rows: [Row] = []
    private(set) var received = 0
    private(set) var delivered = 0
    private(set) var failed = 0
    /// The number of the row that is selected; nil follows the newest.
    private(set) var selected: Int?
    /// Only rows whose type or subject holds this text are shown.
    var filter = ""

    /// Adds an event; its number.
    mutating func append(_ event: ListenedEvent) -> Int {
        received += 1
        rows.append(Row(number: received, event: event))
        if rows.count > Self.most { rows.removeFirst() }
        if let selected, let oldest = rows.first, selected < oldest.number { self.selected = oldest.number }
        return received
    }

    /// Notes what came of an attempt; the row may be gone.
    mutating func note(_ number: Int, _ outcome: PostOutcome, nanoseconds: Int64) {
        if outcome.isSuccess { delivered += 1 } else { failed += 1 }
        guard let place = place(number) else { return }
        rows[place].outcome = outcome
        rows[place].nanoseconds = nanoseconds
        rows[place].attempts += 1
    }

    func row(_ number: Int) -> Row? { place(number).map { rows[$0] } }

    /// Those that are shown, the newest first.
    var shown: [Row] {
        guard !filter.isEmpty else { return rows.reversed() }
        let wanted = filter.lowercased()
        return rows.reversed().filter { row in
            row.event.type.lowercased().contains(wanted) || row.event.subject.lowercased().contains(wanted)
        }
    }

    /// The selected row, or the newest that is shown.
    var current: Row? {
        let shown = shown
        return shown.first { $0.number == selected } ?? shown.first
    }

    /// Selects the row so many further down, towards older ones; at the top the newest is followed again.
    mutating func move(_ steps: Int) {
        let shown = shown
        guard !shown.isEmpty else { return }
        let place = shown.firstIndex { $0.number == selected } ?? 0
        let next = max(0, min(shown.count - 1, place + steps))
        selected = next == 0 ? nil : shown[next].number
    }

    private func place(_ number: Int) -> Int? {
        guard let first = rows.first, number >= first.number, number - first.number < rows.count else { return nil }
        return number - first.number
    }
}
