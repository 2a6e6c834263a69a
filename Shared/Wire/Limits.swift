/// The limits of the bus, in one place. What an operator may change is in the configuration instead.
package enum Limits {
    /// A batch is sent when it holds this many records …
    package static let batchRecords = 256
    /// … or this many bytes; a larger record travels alone.
    package static let batchBytes = 192 * 1024
    /// Batches a worker may hold unfinished per link.
    package static let creditBatches = 4
    /// The time whose finished records bound the size of a worker's next batch.
    package static let creditHorizonNanoseconds: Int64 = 10_000_000
    /// A stage returns to its sockets after this much work.
    package static let workSliceNanoseconds: Int64 = 5_000_000
    /// How long after it last passed something on a verifier does so again, while no upstream lacks credit: with what
    /// arrives then, or by itself at the end. The router's commits lie closer together, so that one batch makes one.
    package static let gatheringNanoseconds: ClosedRange<Int64> = 3_000_000...5_000_000
    /// Verifiers that have had no credit for longer wait for their next hop: no answer waits for them.
    package static let reachNanoseconds: Int64 = 10_000_000
    /// A stage looks after its connections and gauges this often while something flows, which does not wait for it …
    package static let housekeepingNanoseconds: Int64 = 10_000_000
    /// … and this often while nothing does.
    package static let idleNanoseconds: Int64 = 1_000_000_000
    /// The run directory is listed this often while every known instance is connected, and with all housekeeping while
    /// one is not.
    package static let scanNanoseconds: Int64 = 100_000_000
    /// Longest source name, in bytes.
    package static let sourceNameBytes = 63
    /// Longest reply body that travels with a verdict.
    package static let verdictReplyBytes = 4096
    /// Most ranges named in one settlement or one notice of lost records.
    package static let rangesPerNotice = 1024

    /// The largest envelope that a stage may make: original, inflated and canonical forms of the largest body.
    package static func envelopeBytes(maxBodyBytes: Int) -> Int {
        4 * maxBodyBytes + (1 << 20)
    }

    /// The largest envelope that comes in: the largest body with its request head, or the largest message of SQS (1 MiB) with
    /// its attributes.
    package static func receivedBytes(maxBodyBytes: Int) -> Int {
        min(envelopeBytes(maxBodyBytes: maxBodyBytes), max(maxBodyBytes, 1 << 20) + (64 << 10))
    }

    /// The `ZMQ_MAXMSGSIZE` of every socket of the bus; the same on both sides of each link.
    package static func frameBytes(maxBodyBytes: Int) -> Int {
        max(batchBytes, envelopeBytes(maxBodyBytes: maxBodyBytes)) + 4
    }
}
