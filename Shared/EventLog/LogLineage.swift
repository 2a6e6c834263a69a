import Synchronization
package import Wire

/// The identities of an event log: (id, position) names an event for ever. A log that turned out to be an older copy of
/// itself has given positions to other events once; it goes on under a new id, and what it holds already keeps its name.
package final class LogLineage: Sendable {
    /// An id that was given up, and the position from which on it names nothing here.
    package struct Former: Equatable, Sendable {
        package let id: JournalID
        package let end: UInt64
    }

    private struct Identities {
        var current: JournalID
        var former: [Former]
    }

    private let identities: Mutex<Identities>

    /// `former`: oldest first.
    package init(_ current: JournalID, former: [Former] = []) {
        identities = Mutex(Identities(current: current, former: former))
    }

    package var current: JournalID { identities.withLock(\.current) }

    /// The id that names an event.
    package func id(of position: UInt64) -> JournalID {
        identities.withLock { all in all.former.first { position < $0.end }?.id ?? all.current }
    }

    /// The position from which on an id names nothing here: `.max` for the present one, nil for one of another log.
    package func end(of id: JournalID) -> UInt64? {
        identities.withLock { all in all.current == id ? .max : all.former.last { $0.id == id }?.end }
    }

    func take(_ id: JournalID, from position: UInt64) {
        identities.withLock { all in
            all.former.append(Former(id: all.current, end: position))
            all.current = id
        }
    }
}
