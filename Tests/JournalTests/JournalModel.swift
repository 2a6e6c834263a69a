import Wire

/// What a journal holds, in its plainest form: the model against which the real one is held.
struct JournalModel {
    private(set) var id: JournalID
    private(set) var nextSequence: UInt64 = 1
    private(set) var watermark: UInt64 = 0
    private var firstGiven: UInt64 = 1
    private var webhooks: [Stored] = []

    init(id: JournalID) {
        self.id = id
    }

    mutating func append(_ bodies: [String]) {
        for body in bodies {
            webhooks.append(Stored(journal: id, sequence: nextSequence, body: body))
            nextSequence += 1
        }
    }

    mutating func settle(through sequence: UInt64) {
        if sequence > watermark, sequence < nextSequence { watermark = sequence }
    }

    /// The process ended and another one opened the journal.
    mutating func reopened() { firstGiven = nextSequence }

    mutating func renumber(newID: JournalID) {
        let moved = unsettled.filter { $0.sequence >= firstGiven }.map(\.body)
        id = newID
        watermark = nextSequence - 1
        firstGiven = nextSequence
        append(moved)
    }

    var unsettled: [Stored] { webhooks.filter { $0.sequence > watermark } }
}
