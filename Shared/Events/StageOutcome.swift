/// What a stage made of one record: passed on, answered, or refused.
///
/// A refused record travels on too, as a tombstone: the stage has appended the rejection to it.
package enum StageOutcome: Equatable, Sendable {
    case passed
    /// Passed on without these elements of a batch, each refused alone: its rejection is appended behind the events.
    case passedExcept([Rejection])
    /// A genuine handshake: passed on with no events; the sender gets `reply` with status 200.
    case answered(reply: [UInt8])
    case refused(Rejection)
}
