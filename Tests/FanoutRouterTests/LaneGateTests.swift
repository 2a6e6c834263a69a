import Testing

@testable import EventDelivery

private let second: Int64 = 1_000_000_000

@Suite struct CircuitBreakerTests {
    @Test func `five failures in a row open it, a success between starts the count anew`() {
        var breaker = CircuitBreaker()
        for _ in 0..<4 { breaker.failed(now: 0, chance: 0) }
        breaker.succeeded()
        for _ in 0..<4 { breaker.failed(now: 0, chance: 0) }
        #expect(breaker.state == .closed)
        breaker.failed(now: 0, chance: 0)
        #expect(breaker.state == .open(until: second))
        #expect(breaker.limit(now: second - 1) == 0)
    }

    @Test func `after the pause one probe goes through, and its outcome decides`() {
        var breaker = CircuitBreaker()
        for _ in 0..<5 { breaker.failed(now: 0, chance: 0) }
        #expect(breaker.limit(now: second) == 1)
        breaker.started(now: second)
        #expect(breaker.state == .probing)
        breaker.failed(now: 2 * second, chance: 0)
        #expect(breaker.state == .open(until: 4 * second))
        breaker.started(now: 4 * second)
        breaker.succeeded()
        #expect(breaker.limit(now: 4 * second) == .max)
    }

    @Test func `pauses double up to a minute`() {
        var breaker = CircuitBreaker()
        for _ in 0..<5 { breaker.failed(now: 0, chance: 0) }
        var pauses: [Int64] = []
        for _ in 0..<9 {
            guard let until = breaker.reopensAt else { break }
            breaker.started(now: until)
            breaker.failed(now: until, chance: 0)
            pauses.append(((breaker.reopensAt ?? 0) - until) / second)
        }
        #expect(pauses == [2, 4, 8, 16, 32, 60, 60, 60, 60])
    }

    @Test func `attempts that began before it opened change nothing`() {
        var breaker = CircuitBreaker()
        for _ in 0..<30 { breaker.failed(now: 0, chance: 0) }
        #expect(breaker.state == .open(until: second))
    }
}

@Suite struct LaneGateTests {
    @Test func `attempts at an endpoint that fails stay under 1,1 per delivery`() {
        var gate = LaneGate(concurrency: 30, perSecond: nil, now: 0)
        var (attempts, deliveries, retries) = (0, 0, 0)
        // Every second attempt fails, 100 attempts a second, a retry whenever there is one to make and room for it.
        for step in 0..<100_000 {
            let now = Int64(step) * 10_000_000
            let room = gate.room(now: now, inFlight: 0)
            let isRetry = retries > 0 && room.retries > 0
            gate.started(isRetry: isRetry, now: now)
            attempts += 1
            if isRetry { retries -= 1 } else { deliveries += 1 }
            if step % 2 == 0 {
                gate.succeeded(inFlight: 1)
            } else {
                gate.failed(now: now, chance: 0)
                retries += 1
            }
        }
        #expect(Double(attempts) < 1.1 * Double(deliveries) + 1000 * LaneGate.retriesPerSecond + LaneGate.savedRetries)
        #expect(retries > 0)
    }

    @Test func `a lane with nothing but retries makes one each second`() {
        var gate = LaneGate(concurrency: 30, perSecond: nil, now: 0)
        for _ in 0..<20 { gate.started(isRetry: true, now: 0) }
        let (none, opensAt) = (gate.room(now: 0, inFlight: 0), gate.opensAt(now: 0, inFlight: 0))
        #expect(none.retries == 0)
        #expect(opensAt.map { (second...second + 10).contains($0) } == true)
        let one = gate.room(now: second + 10, inFlight: 0)
        #expect(one.retries == 1)
    }

    @Test func `the rate bounds how many start`() {
        var gate = LaneGate(concurrency: 1000, perSecond: 50, now: 0)
        var started = 0
        for millisecond in 0..<10_000 {
            let now = Int64(millisecond) * 1_000_000
            for _ in 0..<gate.room(now: now, inFlight: 0).attempts {
                gate.started(isRetry: false, now: now)
                gate.succeeded(inFlight: 1)
                started += 1
            }
        }
        #expect((500...506).contains(started))
    }

    @Test func `failures shrink the concurrency, successes under load let it grow again`() {
        var limit = AdaptiveLimit(most: 32)
        for round in 0..<40 { limit.failed(now: Int64(round) * second) }
        #expect(limit.limit == 1)
        for _ in 0..<2000 { limit.succeeded(inFlight: limit.limit) }
        #expect(limit.limit == 32)
        limit.failed(now: 100 * second)
        limit.failed(now: 100 * second + 1)
        #expect(limit.limit == 24, "one outage shrinks it once")
        for _ in 0..<100 { limit.succeeded(inFlight: 1) }
        #expect(limit.limit == 24, "who does not use the room does not need more")
    }

    @Test func `an open breaker lets a retry through as a probe even without budget`() {
        var gate = LaneGate(concurrency: 30, perSecond: nil, now: 0)
        for _ in 0..<20 { gate.started(isRetry: true, now: 0) }
        for _ in 0..<20 { gate.failed(now: 0, chance: 0) }
        let (closed, opensAt) = (gate.room(now: 0, inFlight: 0), gate.opensAt(now: 0, inFlight: 0))
        #expect(closed == .init(attempts: 0, retries: 0))
        #expect(opensAt == second)
        let probe = gate.room(now: second, inFlight: 0)
        #expect(probe == .init(attempts: 1, retries: 1))
    }
}

@Suite struct KeyGateTests {
    @Test func `one event of a key is under way, the others follow in order`() {
        var gate = KeyGate()
        let (red, blue) = (Array("red".utf8), Array("blue".utf8))
        let mayStart = [(1, red), (2, red), (3, blue), (4, red)].map { gate.enter($0.0, key: $0.1) }
        #expect(mayStart == [true, false, true, false])
        let followers = [1, 3, 2, 4].map { gate.leave($0) }
        #expect(followers == [2, nil, 4, nil])
        #expect(gate.isEmpty)
        let again = gate.enter(5, key: red)
        #expect(again)
    }
}
