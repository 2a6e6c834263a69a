package import Wire

/// The durable, ordered list of webhooks that one ingress has accepted and the router has not yet settled.
///
/// Every webhook gets the next sequence (1, 2, 3 …) of the journal; (journal id, sequence) names it on the bus. An
/// `append` that returns has been fsynced. Used by one thread; the contract is in `Tests/JournalTests`.
package protocol Journal: AnyObject {
    /// The random identity of this journal. Changes only in `renumber`.
    var id: JournalID { get }
    /// The sequence that the next webhook gets.
    var nextSequence: UInt64 { get }
    /// The first sequence that can still be read; `nextSequence` when nothing is retained.
    var firstRetained: UInt64 { get }
    /// Everything up to here is settled.
    var watermark: UInt64 { get }
    /// Bytes of all retained frames, settled ones included until they are deleted.
    var retainedBytes: Int { get }
    /// Whether settled batches wait to be deleted.
    var hasSettledBatches: Bool { get }

    /// Numbers, seals and stores the batches, a row each, in one transaction; when it returns they are on disk. When it
    /// throws, nothing was stored and no sequence used up. Batches that nobody else holds are sealed where they lie.
    func append(_ batches: consuming [RecordBatch]) throws(JournalError) -> [RecordBatch]

    /// Remembers that everything up to `sequence` is settled. Touches no disk: the deletion is folded into the next
    /// `append`, or done by `tidy`. Lower than before or beyond the last sequence: ignored.
    func settle(through sequence: UInt64)

    /// Deletes a few settled batches in a transaction of its own; for a journal that has nothing else to do.
    func tidy() throws(JournalError)

    /// Up to `maxRecords` webhooks from `sequence` on (or from the first that is retained), at least one if there is
    /// one, otherwise no more than `maxBytes`.
    func read(from sequence: UInt64, maxRecords: Int, maxBytes: Int) throws(JournalError) -> [RecordBatch]

    /// Takes a new identity and numbers what is not settled from 1: for a journal restored from an old copy, whose
    /// next sequences the router has already seen.
    func renumber(newID: JournalID) throws(JournalError)
}
