/// Decides how many attempts of one subscription may start now: concurrency that adapts, a rate, a budget for retries
/// and a circuit breaker. Retries of a punctual policy pass by all of these but the operator's own limits, `concurrency`
/// and rate. Pure; times are monotonic nanoseconds.
struct LaneGate: Sendable {
    /// Retries that each first attempt allows …
    static let retriesPerDelivery = 0.1
    /// … and each second besides, so that a lane with nothing but retries goes on.
    static let retriesPerSecond = 1.0
    /// Most retries that may be saved up.
    static let savedRetries = 20.0

    /// What may start.
    struct Room: Equatable, Sendable {
        /// First attempts.
        var attempts: Int
        /// Retries instead.
        var retries: Int
    }

    private(set) var breaker = CircuitBreaker()
    private(set) var concurrency: AdaptiveLimit
    /// Whether retries are made when they are due.
    var isPunctual: Bool
    private var rate: TokenBucket?
    private var retries: TokenBucket
    /// Since when nothing but failures came; nil after a success.
    private(set) var failingSince: Int64?

    /// `perSecond`: most requests per second; nil: as many as the subscriber bears.
    init(concurrency: Int, perSecond: Double?, isPunctual: Bool = false, now: Int64) {
        self.isPunctual = isPunctual
        self.concurrency = AdaptiveLimit(most: concurrency)
        rate = perSecond.map { TokenBucket(perSecond: $0, most: TokenBucket.burst($0), now: now) }
        retries = TokenBucket(perSecond: Self.retriesPerSecond, most: Self.savedRetries, now: now)
    }

    init(_ settings: LaneSettings, now: Int64) {
        self.init(
            concurrency: settings.concurrency, perSecond: settings.requestsPerSecond,
            isPunctual: settings.policy.isPunctual, now: now)
    }

    /// Other limits from now on; what was learnt of the endpoint stays.
    mutating func adjust(concurrency most: Int, perSecond: Double?, now: Int64) {
        if most != concurrency.most { concurrency.adjust(most: most) }
        guard perSecond != rate?.perSecond else { return }
        guard let perSecond else {
            rate = nil
            return
        }
        var adjusted = rate ?? TokenBucket(perSecond: perSecond, most: TokenBucket.burst(perSecond), now: now)
        adjusted.adjust(perSecond: perSecond, most: TokenBucket.burst(perSecond), now: now)
        rate = adjusted
    }

    /// What keeps an attempt from starting.
    enum Obstacle: Equatable, Sendable {
        case breaker(until: Int64)
        case probe
        case concurrency(inFlight: Int, limit: Int)
        case rate(until: Int64)
        case retryBudget(until: Int64)
    }

    /// What keeps an attempt from starting now; nil where nothing does.
    func obstacle(now: Int64, inFlight: Int, isRetry: Bool) -> Obstacle? {
        let isPunctual = isRetry && isPunctual
        if !isPunctual {
            if case .open(let until) = breaker.state, now < until { return .breaker(until: until) }
            if breaker.state != .closed { return inFlight > 0 ? .probe : nil }
        }
        let limit = isPunctual ? concurrency.most : concurrency.limit
        if inFlight >= limit { return .concurrency(inFlight: inFlight, limit: limit) }
        if var rate, rate.count(now: now) < 1 { return .rate(until: rate.nextToken(now: now)) }
        var retries = retries
        if isRetry, !isPunctual, retries.count(now: now) < 1 {
            return .retryBudget(until: retries.nextToken(now: now))
        }
        return nil
    }

    /// What may start now, while so many are under way.
    mutating func room(now: Int64, inFlight: Int) -> Room {
        var free = concurrency.most - inFlight
        if var rate {
            free = min(free, rate.count(now: now))
            self.rate = rate
        }
        free = max(0, free)
        let attempts = max(0, min(free, min(concurrency.limit, breaker.limit(now: now)) - inFlight))
        if isPunctual { return Room(attempts: attempts, retries: free) }
        // A probe is needed whether or not the budget allows a retry.
        let isProbe = breaker.state != .closed
        return Room(attempts: attempts, retries: isProbe ? attempts : min(attempts, max(0, retries.count(now: now))))
    }

    /// When to look again although nothing else happens; nil where an attempt's end will tell. `hasRetries`: whether
    /// retries are ready.
    mutating func opensAt(now: Int64, inFlight: Int, hasRetries: Bool = false) -> Int64? {
        if isPunctual, hasRetries, inFlight < concurrency.most, var rate {
            let next = rate.nextToken(now: now)
            self.rate = rate
            if next > now { return next }
        }
        if let reopensAt = breaker.reopensAt, reopensAt > now { return reopensAt }
        guard inFlight < min(concurrency.limit, breaker.limit(now: now)) else { return nil }
        let retry = retries.nextToken(now: now)
        guard var rate else { return retry > now ? retry : nil }
        let next = rate.nextToken(now: now)
        self.rate = rate
        return next > now ? next : (retry > now ? retry : nil)
    }

    mutating func started(isRetry: Bool, now: Int64) {
        breaker.started(now: now)
        rate?.take(now: now)
        if isRetry {
            if !isPunctual { retries.take(now: now) }
        } else {
            retries.add(Self.retriesPerDelivery, now: now)
        }
    }

    /// An attempt ended; `inFlight` counts it still.
    mutating func succeeded(inFlight: Int) {
        breaker.succeeded()
        concurrency.succeeded(inFlight: inFlight)
        failingSince = nil
    }

    mutating func failed(now: Int64, chance: Double) {
        breaker.failed(now: now, chance: chance)
        concurrency.failed(now: now)
        failingSince = failingSince ?? now
    }
}
