/// Tokens that come at a steady rate and are kept up to a number. Pure.
struct TokenBucket: Sendable {
    private(set) var perSecond: Double
    private var most: Double
    private var tokens: Double
    private var countedAt: Int64

    /// Begins with `tokens`, or full.
    init(perSecond: Double, most: Double, tokens: Double? = nil, now: Int64) {
        self.perSecond = perSecond
        self.most = max(1, most)
        self.tokens = tokens ?? self.most
        countedAt = now
    }

    /// What may come at once after a while without any: a tenth of a second's.
    static func burst(_ perSecond: Double) -> Double { max(1, perSecond / 10) }

    /// Another rate from now on; what was saved up stays, as far as it fits.
    mutating func adjust(perSecond: Double, most: Double, now: Int64) {
        refill(now)
        self.perSecond = perSecond
        self.most = max(1, most)
        tokens = min(tokens, self.most)
    }

    /// Whole tokens at hand.
    mutating func count(now: Int64) -> Int {
        refill(now)
        return Int(tokens)
    }

    /// Takes so many; there may be fewer, and then the next ones are owed.
    mutating func take(_ count: Int = 1, now: Int64) {
        refill(now)
        tokens -= Double(count)
    }

    /// Adds a part of a token beside the steady rate.
    mutating func add(_ amount: Double, now: Int64) {
        refill(now)
        tokens = min(most, tokens + amount)
    }

    /// When there will be a whole token.
    mutating func nextToken(now: Int64) -> Int64 {
        refill(now)
        return tokens >= 1 ? now : now + Int64((1 - tokens) / perSecond * 1e9) + 1
    }

    private mutating func refill(_ now: Int64) {
        tokens = min(most, tokens + Double(max(0, now - countedAt)) / 1e9 * perSecond)
        countedAt = now
    }
}
