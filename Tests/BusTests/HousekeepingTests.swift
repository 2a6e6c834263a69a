import Testing
import Wire

@testable import Bus

@Suite struct HousekeepingTests {
    private let soon = Limits.housekeepingNanoseconds
    private let seldom = Limits.idleNanoseconds

    @Test func `it is done seldom when nothing moves, and soon while something does or a link is missing`() {
        var housekeeping = Housekeeping()
        #expect(housekeeping.isDue(at: 0))
        housekeeping.begin(at: 0, isComplete: false)
        #expect(housekeeping.pauseNanoseconds(at: 0) == soon)
        housekeeping.begin(at: soon, isComplete: true)
        #expect(housekeeping.pauseNanoseconds(at: soon) == seldom)
        housekeeping.recordsMoved(at: 2 * soon)
        #expect(housekeeping.pauseNanoseconds(at: 2 * soon) == soon, "what moved is seen soon")
        housekeeping.begin(at: 3 * soon, isComplete: true)
        #expect(housekeeping.pauseNanoseconds(at: 3 * soon) == soon)
        housekeeping.begin(at: 1_000_000_000, isComplete: true)
        #expect(housekeeping.pauseNanoseconds(at: 1_000_000_000) == seldom)
    }

    @Test func `a link that came is followed by a while in which others are seen soon`() {
        var housekeeping = Housekeeping()
        housekeeping.linksChanged(at: 0)
        housekeeping.begin(at: 4_000_000_000, isComplete: true)
        #expect(housekeeping.pauseNanoseconds(at: 4_000_000_000) == soon)
        housekeeping.begin(at: 5_000_000_000, isComplete: true)
        #expect(housekeeping.pauseNanoseconds(at: 5_000_000_000) == seldom)
    }
}
