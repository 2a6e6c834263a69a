import EventDelivery
import JSON
import NIOCore
import PipelineConfiguration
import Primitives

/// A request for the next events, which waits for one where there is none.
struct EventPoll: Sendable {
    static let mostWait = Duration.seconds(60)
    /// Most bytes of events in one answer; one larger event is answered all the same.
    static let mostBytes = 1 << 20

    let service: PushService
    let query: WatchQuery
    let wait: Duration
    let limit: Int

    /// Answers on the hub's loop, at once or when the wait is over.
    func answer() -> EventLoopFuture<APIReply> {
        let promise = service.loop.makePromise(of: APIReply.self)
        let loop = service.loop
        loop.execute {
            let hub = service.hub.value
            let output = PollOutput(self, hub, promise)
            hub.add(query.filter, from: query.start ?? .latest, output: output) { watcher in
                guard let watcher else {
                    return promise.fail(
                        APIProblem(.unavailable, "too many watch already, or the router stops; try again"))
                }
                output.watcher = watcher
                let bound = NIOLoopBound(output, eventLoop: loop)
                output.timer = loop.scheduleTask(in: .nanoseconds(wait.nanoseconds)) { bound.value.waitIsOver() }
            }
        }
        return promise.futureResult
    }
}

/// Collects what one poll gets.
private final class PollOutput: WatcherOutput {
    private let poll: EventPoll
    private let hub: PushHub
    private let promise: EventLoopPromise<APIReply>
    private var events: [UInt8] = []
    private var count = 0
    private var gaps: [JSONText] = []
    private var isCaughtUp = false
    private var isOver = false
    private var isDone = false
    var watcher: Watcher?
    var timer: Scheduled<Void>?

    init(_ poll: EventPoll, _ hub: PushHub, _ promise: EventLoopPromise<APIReply>) {
        (self.poll, self.hub, self.promise) = (poll, hub, promise)
    }

    var isWritable: Bool { count < poll.limit && (count == 0 || events.count < EventPoll.mostBytes) }

    func write(_ event: WatchedEvent) {
        if count > 0 { events.append(UInt8(ascii: ",")) }
        event.json.forEachPart { events.append(contentsOf: $0) }
        count += 1
    }

    func writeGap(_ gap: WatchGap) { gaps.append(.string(gap.sentence)) }

    func writeCaughtUp() {
        isCaughtUp = true
        flush()
    }

    /// Whatever is there is enough, once the head is reached or no more has room.
    func flush() {
        let hasAny = count > 0 || !gaps.isEmpty
        if !isWritable || isCaughtUp && (hasAny || isOver) { finish() }
    }

    func close(_ reason: WatchEnd) { finish() }

    func waitIsOver() {
        isOver = true
        flush()
    }

    private func finish() {
        guard !isDone, let watcher else { return }
        isDone = true
        timer?.cancel()
        let next = hub.token(of: watcher)
        hub.remove(watcher)
        let body = JSONText.object([
            "events": JSONText(raw: [UInt8(ascii: "[")] + events + [UInt8(ascii: "]")]),
            "gaps": .array(gaps), "next": .string(next.description),
        ])
        promise.succeed(APIReply(200, body))
    }
}
