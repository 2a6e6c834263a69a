import HTTPFront

/// The limits of the front door, in one place. The stored ones have a key in the configuration, the static ones not.
struct IngressLimits: Sendable {
    static let head = HeadLimits(requestLineBytes: 8 * 1024, fields: 64, fieldsBytes: 32 * 1024)
    /// Requests of one connection that may wait for their answers; then nothing more is read from it.
    static let pipelinedRequests = 32
    /// A body may come slowly for this long before its rate counts.
    static let bodyGraceNanoseconds: Int64 = 5_000_000_000
    /// How long a closing connection is still read, so that the client gets the last answer.
    static let lingerNanoseconds: Int64 = 2_000_000_000
    /// How often deadlines are looked at, while there are connections.
    static let sweepMilliseconds: Int64 = 250
    /// Bodies that are being received, on all event loops; beyond it, 503.
    static let unfinishedBodiesBytes = 256 << 20
    /// How long an orderly stop waits for open requests.
    static let drainNanoseconds: Int64 = 3_000_000_000
    /// How long an idle connection stays open then, for a request that may be on its way.
    static let drainGraceNanoseconds: Int64 = 250_000_000
    /// Of the requests that wait for the quotas, one in so many is refused in one sweep, and at least so many.
    static let refusalsPerSweep = 8
    /// Larger bodies of refused requests are not read for the sake of the connection.
    static let drainedBodyBytes = 64 << 10
    /// What `Retry-After` says with a 503.
    static let retryAfterSeconds = 5

    /// The largest body that is accepted.
    var bodyBytes = 1 << 20
    var connections = 4096
    /// Of one client; a trusted proxy may have all.
    var connectionsPerAddress = 1024
    /// From the first byte of a request's head, of the first one from the beginning of the connection, to its last.
    var headerDeadlineNanoseconds: Int64 = 10_000_000_000
    /// Between two requests, and while nothing is taken from or sent to the client.
    var idleTimeoutNanoseconds: Int64 = 75_000_000_000
    var minimumBodyBytesPerSecond = 1024
}
