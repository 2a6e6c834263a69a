/// How many requests a subscriber bears at once: one more per round that went well while all room was used, three
/// quarters after a failure. Pure.
struct AdaptiveLimit: Sendable {
    /// After a shrinking, failures of requests that were under way already do not shrink it again.
    static let calmNanoseconds: Int64 = 200_000_000

    private(set) var most: Int
    private var value: Double
    private var calmUntil: Int64 = .min

    init(most: Int) {
        self.most = max(1, most)
        value = Double(self.most)
    }

    var limit: Int { max(1, Int(value)) }

    /// Another upper bound; a limit that was at the former one goes along, another one is found out anew from below.
    mutating func adjust(most: Int) {
        let most = max(1, most)
        value = limit >= self.most ? Double(most) : min(value, Double(most))
        self.most = most
    }

    /// `inFlight`: requests under way while this one was, itself included.
    mutating func succeeded(inFlight: Int) {
        guard inFlight >= limit else { return }
        value = min(Double(most), value + 1 / value)
    }

    mutating func failed(now: Int64) {
        guard now >= calmUntil else { return }
        value = max(1, value * 0.75)
        calmUntil = now + Self.calmNanoseconds
    }
}
