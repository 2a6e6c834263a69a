/// How many deliveries a replay may queue now. Pure; the caller says what time it is.
struct ReplayRate {
    /// What may be queued at once after a while without any, as a part of a second's.
    private static let burstSeconds = 0.1

    private let perSecond: Double
    private var allowance: Double
    private var lastNanoseconds: Int64

    /// Begins with one.
    init(perSecond: Double, nowNanoseconds: Int64) {
        self.perSecond = perSecond
        allowance = 1
        lastNanoseconds = nowNanoseconds
    }

    /// Monotonic nanoseconds.
    mutating func available(nowNanoseconds: Int64) -> Int {
        let seconds = Double(max(0, nowNanoseconds - lastNanoseconds)) / 1e9
        lastNanoseconds = nowNanoseconds
        allowance = min(allowance + seconds * perSecond, max(1, perSecond * Self.burstSeconds))
        return Int(allowance)
    }

    mutating func take(_ count: Int) {
        allowance -= Double(count)
    }
}
