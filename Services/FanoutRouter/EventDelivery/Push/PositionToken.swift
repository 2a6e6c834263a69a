package import EventLog
package import Wire

/// Where somebody stands in an event log: behind that position. The token names the log, so that one of another log is
/// noticed; it can hold several places, one for each router, of which the present one uses its own.
///
/// As text: `<log id, 32 hexadecimal digits>-<position>`, several joined by `_`.
package struct PositionToken: Sendable, Equatable, CustomStringConvertible {
    package struct Place: Sendable, Equatable {
        package let log: JournalID
        package let position: UInt64
    }

    /// One for each log.
    private static let mostPlaces = 64

    package let places: [Place]

    package init(_ log: JournalID, _ position: UInt64) {
        places = [Place(log: log, position: position)]
    }

    /// Nil for what no router wrote.
    package init?(_ text: some StringProtocol) {
        var places: [Place] = []
        for part in text.split(separator: "_", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "-", omittingEmptySubsequences: false)
            guard places.count < Self.mostPlaces, sides.count == 2, let log = JournalID(String(sides[0])),
                let position = UInt64(sides[1]), String(position) == sides[1],
                !places.contains(where: { $0.log == log })
            else { return nil }
            places.append(Place(log: log, position: position))
        }
        self.places = places
    }

    package var description: String { places.map { "\($0.log)-\($0.position)" }.joined(separator: "_") }

    /// The place in a log, and whether the log has given up what lay there, being an older copy; nil where the token does
    /// not know it.
    package func position(in log: LogLineage) -> (position: UInt64, isKept: Bool)? {
        for place in places {
            guard let end = log.end(of: place.log) else { continue }
            return place.position < end ? (place.position, true) : (end - 1, false)
        }
        return nil
    }
}
