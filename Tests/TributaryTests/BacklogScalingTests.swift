import Testing

@testable import Tributary

@Suite struct BacklogScalingTests {
    private var scaling = BacklogScaling(1...6)
    private var now = 0.0
    private var count = 1

    /// The number after so many seconds of one look each; `age`: at each of them, by the seconds since the first.
    private mutating func look(
        _ seconds: Double = BacklogScaling.oldForSeconds, allBusy: Bool = true, _ age: (Double) -> Double?
    ) -> Int {
        for second in 0...Int(seconds) {
            count = scaling.judge(now + Double(second), count: count, age: age(Double(second)), allBusy: allBusy)
        }
        now += seconds + 1
        return count
    }

    @Test mutating func `there are twice as many where an old backlog does not shrink, up to the most`() {
        #expect(look { BacklogScaling.oldSeconds + $0 } == 2)
        #expect([look { _ in 90 }, look { _ in 90 }, look { _ in 90 }] == [4, 6, 6])
    }

    @Test mutating func `what shrinks, is young or has an idle instance needs no more`() {
        #expect(look(60) { 90 - $0 } == 1)
        #expect(look(60) { _ in BacklogScaling.oldSeconds - 0.1 } == 1)
        #expect(look(60, allBusy: false) { 90 + $0 } == 1)
    }

    @Test mutating func `a moment in which it is not known or young begins the time anew`() {
        for gap in [nil, 0.0] {
            #expect(look(BacklogScaling.oldForSeconds - 1) { _ in 90 } == 1)
            #expect(scaling.judge(now, count: 1, age: gap, allBusy: true) == 1)
            now += 1
        }
        #expect(look(60) { _ in nil } == 1)
    }

    @Test mutating func `there is one less after each quiet minute, down to the least`() {
        count = 3
        #expect(look(BacklogScaling.quietForSeconds - 1, allBusy: false) { _ in 0 } == 3)
        #expect(scaling.judge(now, count: 3, age: 0, allBusy: true) == 3)
        let quiet = BacklogScaling.quietForSeconds
        let counts = (0..<3).map { _ in look(quiet, allBusy: false) { _ in 0 } }
        #expect(counts == [2, 1, 1])
    }

    @Test mutating func `between old and young nothing changes`() {
        count = 3
        #expect(look(600, allBusy: true) { _ in 2 } == 3)
        #expect(look(600, allBusy: false) { _ in 2 } == 3)
    }
}
