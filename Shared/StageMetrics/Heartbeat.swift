import Synchronization

/// The proof that a thread still moves: it stores the monotonic time once per turn of its loop, at least every three seconds.
/// A thread that is in an endless loop, or waits for something that never comes, stops beating.
///
/// The thread (or its loop) owns this object; when it ends, it is no longer watched.
package final class Heartbeat: Sendable {
    /// A thread that has not moved for this long is stalled.
    package static let stalledAfterNanoseconds: Int64 = 10_000_000_000

    package let thread: String
    private let latest: Atomic<Int64>

    init(of thread: String) {
        self.thread = thread
        latest = Atomic(monotonicNanoseconds())
    }

    /// One relaxed store. `now`: monotonic nanoseconds.
    package func beat(at now: Int64 = monotonicNanoseconds()) {
        latest.store(now, ordering: .relaxed)
    }

    func ageNanoseconds(at now: Int64) -> Int64 { now - latest.load(ordering: .relaxed) }
}

extension MetricRegistry {
    /// A new heartbeat, watched for as long as somebody holds it. `thread` completes the sentence "the … thread".
    package func heartbeat(of thread: String) -> Heartbeat {
        let heartbeat = Heartbeat(of: thread)
        heartbeats.withLock { watched in
            watched.removeAll { $0.heartbeat == nil }
            watched.append(Watched(heartbeat: heartbeat))
        }
        gauge(
            "tributary_heartbeat_age_seconds",
            help: "How long ago a thread last moved; it is stalled after 10 s.", labels: [("thread", thread)],
            read: { [weak heartbeat] in
                heartbeat.map { Double($0.ageNanoseconds(at: monotonicNanoseconds())) / 1e9 } ?? 0
            })
        return heartbeat
    }

    /// A sentence for each thread that has not moved for ten seconds. Any thread; blocks for none of those watched.
    package func stalledThreads(at now: Int64 = monotonicNanoseconds()) -> [String] {
        heartbeats.withLock { $0.compactMap(\.heartbeat) }.compactMap { heartbeat in
            let age = heartbeat.ageNanoseconds(at: now)
            guard age >= Heartbeat.stalledAfterNanoseconds else { return nil }
            return "the \(heartbeat.thread) thread has not moved for \(age / 1_000_000_000) s"
        }
    }

    struct Watched: Sendable {
        weak var heartbeat: Heartbeat?
    }
}
