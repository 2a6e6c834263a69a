/// What a stage made of one record: passed on, or refused with what the sender is told while it still waits.
///
/// A refused record travels on too, as a tombstone: the stage has appended the rejection to it.
package enum StageOutcome: Equatable, Sendable {
    case passed
    case refused(Rejection, httpStatus: UInt16)
}
