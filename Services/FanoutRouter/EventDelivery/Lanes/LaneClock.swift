import EventLog
import NIOCore

/// The two clocks of a lane. Everything that waits goes by the clock of the event loop, which nobody sets; wall time is
/// what is saved and shown.
///
/// Confined to the event loop.
struct LaneClock {
    let loop: any EventLoop
    /// Nanoseconds since 1970.
    let wall: () -> Int64

    /// Monotonic nanoseconds.
    var now: Int64 { Int64(clamping: loop.now.uptimeNanoseconds) }

    /// What the wall clock shows, or showed, at a monotonic time.
    func wall(at time: Int64) -> Int64 { wall() + (time - now) }

    /// A saved lane in monotonic time. The wall clock may have been set meanwhile, so nothing began in the future, and
    /// nothing waits longer than `longestWait`.
    func monotonic(_ saved: SavedLane, longestWait: Int64) -> SavedLane {
        let (now, wall) = (now, wall())
        var lane = saved
        for index in lane.retrying.indices {
            let (first, due) = (lane.retrying[index].firstAttemptNanoseconds, lane.retrying[index].dueNanoseconds)
            lane.retrying[index].firstAttemptNanoseconds = now - max(0, wall - first)
            lane.retrying[index].dueNanoseconds = now + min(max(0, due - wall), longestWait)
        }
        return lane
    }

    /// Progress in wall time.
    func wall(_ progress: LaneProgress) -> LaneProgress {
        let offset = wall() - now
        var saved = progress
        saved.changes = progress.changes.map { change in
            switch change {
            case .cleared: return change
            case .retrying(var delivery):
                delivery.firstAttemptNanoseconds += offset
                delivery.dueNanoseconds += offset
                return .retrying(delivery)
            case .dead(var letter):
                letter.diedAtNanoseconds += offset
                return .dead(letter)
            }
        }
        return saved
    }
}
