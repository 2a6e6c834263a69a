import Egress
import NIOCore
import Synchronization
import Threads

/// Turns host names into addresses: off the event loop, each host once at a time, and so many hosts at most.
///
/// A resolver cannot be interrupted, so a lookup may outlive those that wait for it; it keeps its thread until it
/// ends, and later attempts at the same host wait for it too: one host that does not answer costs one thread.
final class NameLookups: Sendable {
    /// The addresses of a host with any port, or a sentence part that says why there are none.
    typealias Found = Result<[SocketAddress], NameNotResolved>
    /// Asks the resolver and blocks until it answers.
    typealias Question = @Sendable (_ host: String) -> Found

    /// Hosts looked up at once.
    static let atOnce = 64

    private struct State {
        /// Who waits for which host; hosts that wait for a thread are in it too.
        var waiting: [String: [Int: @Sendable (Found) -> Void]] = [:]
        var queue: [String] = []
        var running = 0
        var ticket = 0
    }

    private let state = Mutex(State())
    private let ask: Question

    /// `ask` runs on a thread of its own.
    init(ask: @escaping Question = SystemResolver.ask) {
        self.ask = ask
    }

    /// Calls `done` on `loop`, later, and at `deadline` at the latest.
    func find(
        _ host: String, on loop: any EventLoop, deadline: NIODeadline, done: @escaping (Found) -> Void
    ) {
        let once = NIOLoopBound(Once(done), eventLoop: loop)
        let ticket = wait(for: host) { found in loop.execute { once.value.end(found) } }
        let timer = loop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
            state.withLock { _ = $0.waiting[host]?.removeValue(forKey: ticket) }
            once.value.end(.failure(NameNotResolved("\(host): no answer from the name servers within the time-out")))
        }
        once.value.timer = timer
    }

    private func wait(for host: String, _ done: @escaping @Sendable (Found) -> Void) -> Int {
        let (ticket, starts) = state.withLock { state in
            state.ticket += 1
            let isNew = state.waiting[host] == nil
            state.waiting[host, default: [:]][state.ticket] = done
            guard isNew else { return (state.ticket, false) }
            guard state.running < Self.atOnce else {
                state.queue.append(host)
                return (state.ticket, false)
            }
            state.running += 1
            return (state.ticket, true)
        }
        if starts { start(host) }
        return ticket
    }

    private func start(_ host: String) {
        BlockingThread(name: "name lookup") { [self] in
            var next: String? = host
            while let host = next { next = finish(host, ask(host)) }
        }
    }

    /// Hands out what was found; returns the host whose turn it is then on this thread.
    private func finish(_ host: String, _ found: Found) -> String? {
        let (waiting, next) = state.withLock { state in
            let waiting = state.waiting.removeValue(forKey: host) ?? [:]
            while let next = state.queue.first {
                state.queue.removeFirst()
                if state.waiting[next]?.isEmpty == false { return (waiting, next as String?) }
                state.waiting[next] = nil
            }
            state.running -= 1
            return (waiting, nil)
        }
        for done in waiting.values { done(found) }
        return next
    }

    /// Whichever comes first, the answer or the deadline. Confined to its event loop.
    private final class Once {
        var timer: Scheduled<Void>?
        private var done: ((Found) -> Void)?

        init(_ done: @escaping (Found) -> Void) {
            self.done = done
        }

        func end(_ found: Found) {
            timer?.cancel()
            timer = nil
            let done = self.done.take()
            done?(found)
        }
    }
}
