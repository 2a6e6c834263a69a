import EventLog
import JSON
import Primitives

/// Where a new subscription begins.
enum SubscriptionStart {
    /// With the next event.
    case latest
    /// With the oldest event that is kept.
    case earliest
    /// With the event at that position.
    case position(UInt64)

    /// Reads `"latest"`, `"earliest"`, a position or an RFC 3339 time; null is the latest. Blocks while a time is looked
    /// up.
    init(_ value: JSONValue, _ reading: LogReading) throws {
        switch value {
        case .null, .string("latest"): self = .latest
        case .string("earliest"): self = .earliest
        case .number:
            guard let position = value.integer, position > 0 else {
                throw RouterError.invalid("/start", "a position is a whole number from 1 on")
            }
            self = .position(UInt64(position))
        case .string(let text):
            guard let nanoseconds = RFC3339.nanoseconds(text) else { fallthrough }
            self = .position(try reading.read { try $0.position(at: nanoseconds) })
        default:
            throw RouterError.invalid(
                "/start", "expected latest, earliest, a position or a time such as 2026-10-05T14:49:14Z")
        }
    }

    /// The position behind which the cursor begins. Throws where it lies in the future.
    func position(in log: any EventLog) throws -> UInt64 {
        switch self {
        case .latest: return log.nextPosition - 1
        case .earliest: return log.firstPosition - 1
        case .position(let position):
            guard position <= log.nextPosition else {
                throw RouterError.invalid("/start", "the newest event has position \(log.nextPosition - 1)")
            }
            return max(position, log.firstPosition) - 1
        }
    }
}
