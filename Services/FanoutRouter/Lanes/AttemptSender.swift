import EventLog
import NIOCore

/// Sends the requests of a lane and remembers what came of them. Confined to the event loop.
struct AttemptSender {
    private var head: DeliveryHead
    private var transport: any HTTPTransport
    private(set) var history = AttemptHistory()
    private let clock: LaneClock

    init(head: DeliveryHead, transport: any HTTPTransport, clock: LaneClock) {
        self.head = head
        self.transport = transport
        self.clock = clock
    }

    /// `transport`: another one; requests that are under way end on the former.
    mutating func change(head: DeliveryHead, transport: (any HTTPTransport)?) {
        self.head = head
        guard let transport else { return }
        close()
        self.transport = transport
    }

    func close() { transport.close() }

    /// Sends one request; `number` counts attempts from 1.
    func send(
        _ content: DeliveryContent, named name: DeliveryName, mark: DeliveryMark?, attempt number: Int,
        timeoutNanoseconds: Int64, completion: @escaping HTTPTransport.Completion
    ) {
        var request = OutboundRequest(
            head: ByteBufferAllocator().buffer(capacity: 512), body: content.body,
            timeoutNanoseconds: timeoutNanoseconds)
        head.write(
            name, mark: mark, attempt: number, nowSeconds: clock.wall() / 1_000_000_000, content: content,
            to: &request.head)
        transport.send(request, completion: completion)
    }

    /// Sends one request that is no part of the log and says what came of it. It is not remembered.
    func probe(_ content: DeliveryContent, timeoutNanoseconds: Int64, done: @escaping (AttemptRecord) -> Void) {
        let (started, wall) = (clock.now, clock.wall())
        send(
            content, named: .test(.random(in: 0 ... .max)), mark: .test, attempt: 1,
            timeoutNanoseconds: timeoutNanoseconds
        ) { [clock] outcome, answer in
            done(
                AttemptRecord(
                    position: 0, number: 1, startedNanoseconds: wall, durationNanoseconds: clock.now - started,
                    outcome: outcome.word, status: outcome.status, detail: outcome.detail, answer: answer))
        }
    }

    /// Remembers an attempt of a delivery that counts it already. Both times are monotonic. `isDelivered`: by this.
    mutating func remember(
        _ position: UInt64, _ delivery: UnfinishedDelivery, started: Int64, ended: Int64, _ outcome: AttemptOutcome,
        _ answer: [UInt8], isDelivered: Bool
    ) {
        history.add(
            AttemptRecord(
                position: position, number: delivery.attempts, startedNanoseconds: clock.wall(at: started),
                durationNanoseconds: ended - started, outcome: outcome.word, status: outcome.status,
                detail: outcome.detail, answer: answer, replay: delivery.replay),
            isEveryday: isDelivered && delivery.attempts == 1 && delivery.replay == nil)
    }

    mutating func takeUnsaved() -> [AttemptRecord] { history.takeUnsaved() }
}
