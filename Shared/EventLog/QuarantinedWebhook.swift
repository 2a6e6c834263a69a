package import Wire

/// A refused webhook with everything that a replay needs.
package struct QuarantinedWebhook: Sendable, Equatable {
    /// What an entry costs on disk beside its texts and bytes: its row's other columns and its lines in two indexes.
    package static let rowBytes = 512

    /// Given by the log; 0 before.
    package var id: Int64 = 0
    package var source: String
    /// The rejection's stable word.
    package var code: String
    /// The stage that refused it.
    package var stage: String
    /// Whether it was refused although its origin was proved. The others can be sent by anybody, so they have a budget
    /// of their own.
    package var isVerified: Bool
    /// Ascending indices of the refused elements of a batch; empty for the whole webhook.
    package var elements: [UInt32]
    package var detail: String
    /// The journal entry in which the webhook came in first: a replay keeps it, so that it gets the same ids again.
    package var journal: JournalID
    package var sequence: UInt64
    package var receivedAtNanoseconds: Int64
    package var quarantinedAtNanoseconds: Int64
    /// The content of the request head section and the body as received. Empty in lists that do not ask for them.
    package var head: [UInt8]
    package var body: [UInt8]
    /// When an operator sent it on its way again; nil before.
    package var replayedAtNanoseconds: Int64?
    /// How often it was sent on its way again and refused again.
    package var tries = 0
    /// Whether it was refused on a way that an operator sent it on again: it takes the place of its entry.
    package var isReplay = false

    package init(
        source: String, code: String, stage: String, isVerified: Bool, elements: [UInt32], detail: String,
        journal: JournalID, sequence: UInt64, receivedAtNanoseconds: Int64, quarantinedAtNanoseconds: Int64,
        head: [UInt8], body: [UInt8]
    ) {
        self.source = source
        self.code = code
        self.stage = stage
        self.isVerified = isVerified
        self.elements = elements
        self.detail = detail
        self.journal = journal
        self.sequence = sequence
        self.receivedAtNanoseconds = receivedAtNanoseconds
        self.quarantinedAtNanoseconds = quarantinedAtNanoseconds
        self.head = head
        self.body = body
    }
}
