import EventLog

/// Makes the attempts of a lane and remembers what came of them. Confined to the event loop.
struct AttemptSender {
    private(set) var destination: any Destination
    private(set) var history = AttemptHistory()
    private let clock: LaneClock

    init(destination: any Destination, clock: LaneClock) {
        self.destination = destination
        self.clock = clock
    }

    /// Deliveries that are under way end at the former one.
    mutating func change(to destination: any Destination) {
        guard destination !== self.destination else { return }
        self.destination.close(successor: destination)
        self.destination = destination
    }

    func close() { destination.close(successor: nil) }

    /// Makes one attempt; `number` counts from 1.
    func send(
        _ content: Delivery.Content, named name: DeliveryName, mark: DeliveryMark?, attempt number: Int,
        timeoutNanoseconds: Int64, completion: @escaping (AttemptOutcome) -> Void
    ) {
        destination.deliver(
            Delivery(
                name: name, mark: mark, attempt: number, startedSeconds: clock.wall() / 1_000_000_000,
                timeoutNanoseconds: timeoutNanoseconds, content: content),
            completion: completion)
    }

    /// Makes one attempt that is no part of the log and says what came of it. It is not remembered.
    func probe(_ content: Delivery.Content, timeoutNanoseconds: Int64, done: @escaping (AttemptRecord) -> Void) {
        let (started, wall) = (clock.now, clock.wall())
        send(
            content, named: .test(.random(in: 0 ... .max)), mark: .test, attempt: 1,
            timeoutNanoseconds: timeoutNanoseconds
        ) { [clock] outcome in
            done(
                AttemptRecord(
                    position: 0, number: 1, startedNanoseconds: wall, durationNanoseconds: clock.now - started,
                    outcome: outcome.word, status: outcome.status, detail: outcome.detail, answer: outcome.answer))
        }
    }

    /// Remembers an attempt of a delivery that counts it already. Both times are monotonic. `isDelivered`: by this.
    mutating func remember(
        _ position: UInt64, _ delivery: UnfinishedDelivery, started: Int64, ended: Int64, _ outcome: AttemptOutcome,
        isDelivered: Bool
    ) {
        history.add(
            AttemptRecord(
                position: position, number: delivery.attempts, startedNanoseconds: clock.wall(at: started),
                durationNanoseconds: ended - started, outcome: outcome.word, status: outcome.status,
                detail: outcome.detail, answer: outcome.answer, replay: delivery.replay),
            isEveryday: isDelivered && delivery.attempts == 1 && delivery.replay == nil)
    }

    mutating func takeUnsaved() -> [AttemptRecord] { history.takeUnsaved() }
}
