package import Events
package import Wire

/// What became of an event that wants to enter the log.
package enum Admission: Sendable {
    case taken
    /// An event of that source with that id is there.
    case knownID
    /// What was signed is there under another id.
    case knownContent
}

/// The durable, ordered log of canonical events and the state beside it: step 6 of the way. The writing side; used by one
/// thread only.
///
/// Each event has a position (1, 2, 3 …) that is never given twice, not even after everything was dropped. (log id,
/// position) names an event for ever. Next: `Lane.swift` in the router.
package protocol EventLog: AnyObject {
    /// The log's random identity, and those that it had.
    var lineage: LogLineage { get }
    /// The position that the next event gets.
    var nextPosition: UInt64 { get }
    /// The first position still held; `nextPosition` where none is.
    var firstPosition: UInt64 { get }
    /// What the rows of the log take on disk, as retention counts it.
    var sizeBytes: Int64 { get }
    /// How many ids left the duplicate table before the window was over.
    var earlyEvictions: Int { get }

    /// A reader for another thread. What it reads of the state includes everything that was committed before.
    func makeReader() throws(EventLogError) -> EventLogReader

    /// Gives back the space of what was dropped.
    func trim() throws(EventLogError)

    /// Takes the time that is left between commits, once a second or so.
    func idle() throws(EventLogError)

    /// An orderly end: what was committed is applied, and another may open the log. Nothing may be committed afterwards.
    func close()

    /// The highest sequence of each journal whose events are in the log.
    func watermarks() throws -> [JournalID: UInt64]

    /// Goes on under a new identity, durably: for a log that turned out to be an older copy, before it gives out a position.
    func takeNewID() throws(EventLogError)

    /// Adds `event` to `transaction` unless the same source and id, or the same signed content of that source, are in the
    /// log or the transaction already.
    func admit(
        _ event: CanonicalEventView, of envelope: EnvelopeView, to transaction: inout LogTransaction
    ) throws -> Admission

    /// The same for an event of this gateway itself, whose id is all that it has to be known by.
    func admit(_ event: OwnEvent, to transaction: inout LogTransaction) -> Admission

    /// Writes all facts or nothing, durably. Returns the new rows. The progress of lanes follows within 200 ms, behind the
    /// facts. A failed commit may be tried again where its code is `disk_full` or `busy`; after any other nothing may be
    /// committed any more.
    func commit(_ transaction: LogTransaction) throws(EventLogError) -> [EventBatch]

    /// The saved state of a subscription. One that was never seen starts behind the newest event, durably. Progress of
    /// a subscription that was never asked for here, or was dropped since, is not saved.
    func lane(_ subscription: String) throws -> SavedLane

    /// The subscriptions made through the API, by name.
    func subscriptions() throws -> [StoredSubscription]

    /// Writes a subscription, new or changed, durably. With `lane` its cursor too, in one transaction: the position
    /// behind which it begins, that is the last one it does not get; what is left of a former one of that name goes.
    func store(_ subscription: StoredSubscription, lane: UInt64?) throws

    /// Drops a subscription and its cursor at once, and at most `rows` of its exceptions, attempts and replays. Returns
    /// whether nothing of it is left; until then call again. What a crash leaves is dropped by `dropExpired`.
    func dropSubscription(_ name: String, rows: Int) throws -> Bool

    /// Adds a replay job and gives it its id. Of jobs that ended the oldest make room.
    func add(_ job: ReplayJob) throws -> ReplayJob

    /// Saves how far a running job has come (its state, position and end) and queues deliveries, in one transaction
    /// that also counts them. Positions that are unfinished or queued already are skipped; so is everything for a job
    /// that does not run any more. Returns how many were queued.
    func save(_ job: ReplayJob, queueing positions: [UInt64]) throws -> Int

    /// Cancels a running job: what it queued and nobody has begun is no longer queued, what was a dead letter is one
    /// again. At most `rows` a call. Returns whether nothing is left to do; the job counts as cancelled at once.
    func cancelReplay(_ id: Int64, rows: Int, atNanoseconds: Int64) throws -> Bool

    /// Drops a replay job that ended: one that was cancelled, or has nothing left to deliver. Returns whether it did.
    func dropReplay(_ id: Int64) throws -> Bool

    /// Saves cursors of watchers: the position up to which one has acknowledged. Of more than 10 000 those that
    /// were saved longest ago make room. Any thread.
    func save(cursors: [String: UInt64], atNanoseconds: Int64) throws

    /// How many dead letters made room for later ones since the log was opened. Any thread, as the next two.
    var displacedDeadLetters: Int { get }

    /// How many rows of dead letters each subscription has, as far as it ever had any.
    var deadLetterCounts: [String: Int] { get }

    /// How full the quarantine of each source is.
    var quarantineUse: [QuarantineUse] { get }

    /// Notes that quarantined webhooks were sent on their way again. `tries`: how often each had been refused again when
    /// it was sent; one that has been refused once more by now is not marked. Returns how many there were.
    func markReplayed(quarantineIDs: [Int64], tries: [Int64]?, atNanoseconds: Int64) throws -> Int

    /// Drops quarantined webhooks. Returns how many there were.
    func dropQuarantined(_ ids: [Int64]) throws -> Int

    /// Drops at most `rows` quarantined webhooks that are over age. Returns how many went. Any thread.
    func dropAgedQuarantine(nowNanoseconds: Int64, rows: Int) throws -> Int

    /// Another age and size of what is kept, from now on; what is beyond them goes in the usual steps.
    func retain(seconds: Int64, bytes: Int64)

    /// Drops at most `rows` rows that are over age or size, likewise of dead letters whose events are gone and of what
    /// dropped subscriptions left. Returns the largest of these numbers. Any thread.
    func dropExpired(nowNanoseconds: Int64, rows: Int) throws -> Int
}
