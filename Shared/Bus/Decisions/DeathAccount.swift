/// What the deaths of workers say about one record that they held. Only deaths of verifiers and normalisers count, never a
/// timer, a link or a router.
package struct DeathAccount: Equatable, Sendable {
    package enum Consequence: Equatable, Sendable {
        case sendAgain
        /// From now on it travels alone, to a worker that holds nothing else.
        case sendAlone
        /// It killed three workers while alone with them.
        case givenUp
    }

    package static let deathsBeforeAlone: UInt8 = 2
    package static let deathsWhileAlone: UInt8 = 3

    private var together: UInt8 = 0
    private var alone: UInt8 = 0

    package init() {}

    package var isSuspect: Bool { together >= Self.deathsBeforeAlone || alone > 0 }
    package var isGivenUp: Bool { alone >= Self.deathsWhileAlone }

    /// A worker died that held the record, and with `wasAlone` nothing else. A late death beside others, of a copy that
    /// was sent before the record became suspect, says nothing new.
    package mutating func died(alone wasAlone: Bool) -> Consequence {
        if wasAlone {
            alone = min(alone + 1, Self.deathsWhileAlone)
        } else if !isSuspect {
            together += 1
        }
        if isGivenUp { return .givenUp }
        return isSuspect ? .sendAlone : .sendAgain
    }
}
