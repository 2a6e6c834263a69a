import EventLog

/// Goes through what a selection means, a short step at a time, ascending by position.
struct ReplayWalk {
    /// What one step found.
    struct Step {
        var positions: [UInt64] = []
        /// Everything up to here was looked at.
        var position: UInt64
        var isAtEnd = false
    }

    /// Bytes of events that one turn of the reader thread may read.
    private static let turnBytes = 4 << 20
    /// Dead letters that one turn looks at.
    private static let turnLetters = 500
    /// Matching events that one turn looks at.
    private static let turnEvents = 4096

    let selection: ReplaySelection
    let subscription: String
    let last: UInt64
    let reading: LogReading
    /// Whether the subscription takes an event now; belongs to the thread that steps.
    let matches: (EventRecord) -> Bool
    private let events: CompiledEventFilter

    init(
        _ selection: ReplaySelection, of subscription: String, through last: UInt64, reading: LogReading,
        matches: @escaping (EventRecord) -> Bool
    ) {
        self.selection = selection
        self.subscription = subscription
        self.last = last
        self.reading = reading
        self.matches = matches
        events = CompiledEventFilter(selection.events)
    }

    /// The next positions behind `position`, `most` or a few less; perhaps none, and still not at the end.
    func step(after position: UInt64, most: Int) throws -> Step {
        var step = Step(position: position)
        var turns = 0
        for range in selection.ranges(through: last) where range.upperBound > position {
            step.position = max(step.position, range.lowerBound - 1)
            while step.position < range.upperBound {
                guard step.positions.count < most, turns < (selection.positions.isEmpty ? 1 : most) else { return step }
                turns += 1
                switch selection.from {
                case .deadLetters: try addDeadLetters(to: &step, through: range.upperBound, most: most)
                case .log: try addEvents(to: &step, through: range.upperBound, most: most)
                }
            }
        }
        step.position = max(step.position, last)
        step.isAtEnd = true
        return step
    }

    private func addEvents(to step: inout Step, through end: UInt64, most: Int) throws {
        var query = EventQuery()
        query.filter = selection.events
        query.above = step.position
        query.below = end + 1
        query.limit = Self.turnEvents
        query.byteLimit = Self.turnBytes
        let asked = query
        let page = try reading.read { try $0.search(asked) }
        for (batch, position) in page.matches {
            guard step.positions.count < most else { return }
            step.position = position
            if batch.withRecord(at: position, matches) ?? false { step.positions.append(position) }
        }
        step.position = page.next ?? end
    }

    private func addDeadLetters(to step: inout Step, through end: UInt64, most: Int) throws {
        var query = DeadLetterQuery()
        query.filter.subscription = subscription
        query.filter.causes = selection.causes
        query.filter.since = selection.since
        query.filter.until = selection.until
        query.filter.last = end
        query.after = DeadLetterQuery.Place(subscription: subscription, position: step.position)
        query.limit = min(Self.turnLetters, most - step.positions.count)
        let (asked, known) = (query, step)
        step = try reading.read { reader in
            var found = known
            let page = try reader.deadLetters(asked)
            let firstPosition = try reader.firstPosition()
            var row: EventBatch?
            var bytes = 0
            for (_, letter) in page.letters {
                guard bytes < Self.turnBytes else { return found }
                found.position = letter.first
                // Ranges and what retention dropped cannot be sent any more.
                guard letter.first == letter.last, letter.first >= firstPosition else { continue }
                if selection.events != EventFilter() {
                    if row.map({ letter.first > $0.last }) ?? true {
                        row = try reader.batch(holding: letter.first)
                        bytes += row?.sizeBytes ?? 0
                    }
                    guard row?.withRecord(at: letter.first, events.matches) ?? false else { continue }
                }
                found.positions.append(letter.first)
            }
            found.position = page.next.map(\.position) ?? end
            return found
        }
    }
}
