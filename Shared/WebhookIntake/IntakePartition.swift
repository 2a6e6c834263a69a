/// What an ingress or connector keeps for one router: the way to its journal, and what is known of that. With one router
/// there is one, and its names and labels do not mention it.
package final class IntakePartition: Sendable {
    package let mailbox = JournalMailbox()
    package let state = JournalState()
    /// That of its router, and how many there are.
    package let number: Int
    package let count: Int

    package init(_ number: Int = 0, of count: Int = 1) {
        (self.number, self.count) = (number, count)
    }

    package var labels: [(String, String)] { count > 1 ? [("router", "\(number)")] : [] }

    /// The name of a check or thread that each partition has.
    package func named(_ name: String) -> String { count > 1 ? "\(name) \(number)" : name }
}
