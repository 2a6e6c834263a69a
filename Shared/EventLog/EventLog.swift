package import Events
package import Wire

/// The durable, ordered log of canonical events: step 6 of the way. The writing side; used by one thread only.
///
/// Each event has a position (1, 2, 3 …) that is never given twice, not even after everything was dropped. (log id,
/// position) names an event for ever. Next: `Lane.swift` in the router.
package protocol EventLog: AnyObject {
    /// The log's random identity.
    var id: JournalID { get }
    /// The position that the next event gets.
    var nextPosition: UInt64 { get }
    /// The first position still held; `nextPosition` where none is.
    var firstPosition: UInt64 { get }
    /// How many ids left the duplicate table before the window was over.
    var earlyEvictions: Int { get }

    /// The highest sequence of each journal whose events are in the log.
    func watermarks() throws -> [JournalID: UInt64]

    /// Adds `event` to `transaction` unless the same source and id are in the log or the transaction already.
    /// Returns false for a duplicate.
    func admit(
        _ event: CanonicalEventView, of envelope: EnvelopeView, to transaction: inout LogTransaction
    ) throws -> Bool

    /// Writes everything or nothing, durably. Returns the new rows. A failed commit may be tried again where its code
    /// is `disk_full` or `busy`; after any other nothing may be committed any more.
    func commit(_ transaction: LogTransaction) throws(EventLogError) -> [EventBatch]

    /// The saved state of a subscription. One that was never seen starts behind the newest event, durably.
    func lane(_ subscription: String) throws -> SavedLane

    /// Queues dead letters for replay: all, or those at the given positions. Returns how many; ranges cannot be
    /// replayed.
    func queueReplay(subscription: String, positions: [UInt64]?) throws -> Int

    /// How full the quarantine of each source is.
    var quarantineUse: [QuarantineUse] { get }

    /// Notes that quarantined webhooks were sent on their way again. Returns how many there were.
    func markReplayed(quarantineIDs: [Int64], atNanoseconds: Int64) throws -> Int

    /// Drops quarantined webhooks. Returns how many there were.
    func dropQuarantined(_ ids: [Int64]) throws -> Int

    /// Drops at most `rows` quarantined webhooks that are over age. Returns how many went.
    func dropAgedQuarantine(nowNanoseconds: Int64, rows: Int) throws -> Int

    /// Drops at most `rows` rows that are over age or size. Returns how many went.
    func dropExpired(nowNanoseconds: Int64, rows: Int) throws -> Int
}
