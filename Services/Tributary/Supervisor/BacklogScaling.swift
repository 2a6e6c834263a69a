/// How many instances of a worker there should be, by the age of the backlog; knows no processes and clocks.
struct BacklogScaling {
    /// A backlog is old from here on; a journal knows its age to a second.
    static let oldSeconds = 2.5
    static let youngSeconds = 1.5
    /// How long it must be old and not shrink before there are twice as many.
    static let oldForSeconds = 3.0
    /// How long it must be young, with an instance idle, before there is one less.
    static let quietForSeconds = 60.0

    private enum Trend { case old, quiet, none }

    let range: ClosedRange<Int>
    private var trend = Trend.none
    /// When the present trend began, and how old the backlog was.
    private var since = 0.0
    private var age = 0.0

    init(_ range: ClosedRange<Int>) { self.range = range }

    /// How many there should be: twice as many at once, because webhooks wait; one less at a time, because nothing does.
    ///
    /// `age`: of the oldest webhook that is not settled; nil where that is not known, or where another stage is away and
    /// more of this one could not help. `allBusy`: each instance holds records; where one is idle, a further one would be
    /// so too.
    mutating func judge(_ now: Double, count: Int, age: Double?, allBusy: Bool) -> Int {
        let seen: Trend =
            switch age {
            case let age? where age >= Self.oldSeconds && allBusy: .old
            case let age? where age < Self.youngSeconds && !allBusy: .quiet
            default: .none
            }
        // Where it shrinks, those that there are suffice.
        if seen != trend || seen == .old && (age ?? 0) < self.age { (trend, since, self.age) = (seen, now, age ?? 0) }
        var wanted = count
        if trend == .old, now - since >= Self.oldForSeconds { wanted = count * 2 }
        if trend == .quiet, now - since >= Self.quietForSeconds { wanted = count - 1 }
        wanted = max(range.lowerBound, min(wanted, range.upperBound))
        // What the others do now is seen anew.
        if wanted != count { trend = .none }
        return wanted
    }
}
