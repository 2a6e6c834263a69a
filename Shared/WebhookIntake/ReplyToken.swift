/// Who waits for what becomes of a webhook: a request of a connection of an event loop, a replay, a connector. Small and
/// plain, because every webhook has one.
package struct ReplyToken: Sendable {
    /// Which of those who wait.
    package var sink: Int32
    /// Place of the connection in its loop's table …
    package var slot: Int32
    /// … and which of the connections that had it.
    package var generation: UInt32
    /// Number of the request on its connection.
    package var request: UInt32
    /// When the request was complete, on the monotonic clock.
    package var startedNanoseconds: Int64
    /// What the quotas have counted for it.
    package var receipt: QuotaReceipt

    package init(
        sink: Int32, slot: Int32, generation: UInt32, request: UInt32, startedNanoseconds: Int64,
        receipt: QuotaReceipt = .none
    ) {
        self.sink = sink
        self.slot = slot
        self.generation = generation
        self.request = request
        self.startedNanoseconds = startedNanoseconds
        self.receipt = receipt
    }
}
