package import Wire

/// A refused webhook with everything that a replay needs.
package struct QuarantinedWebhook: Sendable, Equatable {
    /// Given by the log; 0 before.
    package var id: Int64 = 0
    package var source: String
    /// The rejection's stable word.
    package var code: String
    /// The stage that refused it.
    package var stage: String
    /// Index of the refused element of a batch; nil for the whole webhook.
    package var element: UInt32?
    package var detail: String
    package var journal: JournalID
    package var sequence: UInt64
    package var receivedAtNanoseconds: Int64
    package var quarantinedAtNanoseconds: Int64
    /// The content of the request head section and the body as received. Empty in lists.
    package var head: [UInt8]
    package var body: [UInt8]
    /// When an operator sent it on its way again; nil before.
    package var replayedAtNanoseconds: Int64?

    package init(
        source: String, code: String, stage: String, element: UInt32?, detail: String, journal: JournalID,
        sequence: UInt64, receivedAtNanoseconds: Int64, quarantinedAtNanoseconds: Int64, head: [UInt8], body: [UInt8]
    ) {
        self.source = source
        self.code = code
        self.stage = stage
        self.element = element
        self.detail = detail
        self.journal = journal
        self.sequence = sequence
        self.receivedAtNanoseconds = receivedAtNanoseconds
        self.quarantinedAtNanoseconds = quarantinedAtNanoseconds
        self.head = head
        self.body = body
    }
}
