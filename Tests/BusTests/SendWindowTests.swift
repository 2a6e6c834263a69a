import Bus
import SeededRandom
import Testing
import Wire

/// The window against a plain model of it, in random operations.
struct SendWindowTests {
    private struct Model {
        enum State { case unsent, sent, due, held }
        var watermark: UInt64 = 0
        var states: [State] = []

        func sequence(_ index: Int) -> UInt64 { watermark + 1 + UInt64(index) }
    }

    @Test func `in random operations the window sends exactly what is unsent or due`() {
        for seed in UInt64(1)...300 {
            var random = SeededGenerator(seed: seed)
            var window = SendWindow(watermark: 0, mostRecords: 50, mostBytes: 1 << 20)
            var model = Model()
            var now: Int64 = 0
            for _ in 0..<200 {
                now += 1_000_000
                switch Int.random(in: 0..<5, using: &random) {
                case 0 where window.hasRoom:
                    let count = Int.random(in: 1...5, using: &random)
                    window.load(byteCounts: Array(repeating: 10, count: count))
                    model.states += Array(repeating: .unsent, count: count)
                case 1: takeSome(&window, &model, &random, now)
                case 2: settleSome(&window, &model, &random, now)
                case 3: loseSome(&window, &model, &random)
                default: break
                }
                #expect(window.count == model.states.count && window.watermark == model.watermark, "seed \(seed)")
                let hasWork = model.states.contains { $0 == .unsent || $0 == .due }
                #expect(window.hasOrdinaryWork == hasWork, "seed \(seed)")
            }
        }
    }

    private func takeSome(
        _ window: inout SendWindow, _ model: inout Model, _ random: inout SeededGenerator, _ now: Int64
    ) {
        let limit = Int.random(in: 1...10, using: &random)
        let taken = window.take(mostRecords: limit, mostBytes: 1 << 20, at: now).flatMap { Array($0.first...$0.last) }
        let due = model.states.indices.filter { model.states[$0] == .due }.map { model.sequence($0) }
        let unsent = model.states.indices.filter { model.states[$0] == .unsent }.map { model.sequence($0) }
        #expect(taken == Array((due + unsent).prefix(limit)))
        for sequence in taken { model.states[Int(sequence - model.watermark) - 1] = .sent }
    }

    private func settleSome(
        _ window: inout SendWindow, _ model: inout Model, _ random: inout SeededGenerator, _ now: Int64
    ) {
        let settled = model.states.prefix { $0 != .unsent }.count
        let advance = settled == 0 ? 0 : Int.random(in: 0...settled, using: &random)
        var held: [SequenceRange] = []
        for index in model.states.indices.dropFirst(advance)
        where model.states[index] == .sent && Bool.random(using: &random) {
            held.append(SequenceRange(model.sequence(index), model.sequence(index)))
            model.states[index] = .held
        }
        let moved = window.settle(watermark: model.watermark + UInt64(advance), held: held, at: now)
        #expect(moved == (advance > 0))
        model.states.removeFirst(advance)
        model.watermark += UInt64(advance)
    }

    private func loseSome(_ window: inout SendWindow, _ model: inout Model, _ random: inout SeededGenerator) {
        guard let index = model.states.indices.randomElement(using: &random) else { return }
        let sequence = model.sequence(index)
        _ = window.lost(SequenceRange(sequence, sequence), cause: .link)
        if model.states[index] == .sent { model.states[index] = .due }
    }

    @Test func `the newest record is sent again too when nothing follows it`() {
        var window = SendWindow(watermark: 0, mostRecords: 10, mostBytes: 1 << 20)
        window.load(byteCounts: [10])
        _ = window.take(mostRecords: 10, mostBytes: 1 << 20, at: 0)
        window.expire(at: ResendTimer.floorNanoseconds - 1)
        #expect(!window.hasOrdinaryWork)
        window.expire(at: ResendTimer.floorNanoseconds)
        #expect(window.take(mostRecords: 10, mostBytes: 1 << 20, at: 1) == [SequenceRange(1, 1)])
    }

    @Test func `what the router holds is not sent again, until the router is a new one`() {
        var window = SendWindow(watermark: 0, mostRecords: 10, mostBytes: 1 << 20)
        window.load(byteCounts: [10, 10])
        _ = window.take(mostRecords: 10, mostBytes: 1 << 20, at: 0)
        _ = window.settle(watermark: 0, held: [SequenceRange(2, 2)], at: 1)
        window.expire(at: .max / 2)
        #expect(window.take(mostRecords: 10, mostBytes: 1 << 20, at: 2) == [SequenceRange(1, 1)])
        window.restartRouter()
        #expect(window.take(mostRecords: 10, mostBytes: 1 << 20, at: 3) == [SequenceRange(1, 2)])
    }

    @Test func `a record larger than a batch travels alone in its batch`() {
        var window = SendWindow(watermark: 0, mostRecords: 10, mostBytes: 1 << 30)
        window.load(byteCounts: [10, 100_000, 10])
        var batches: [[SequenceRange]] = []
        while window.hasOrdinaryWork { batches.append(window.take(mostRecords: 256, mostBytes: 65_536, at: 0)) }
        #expect(batches == [[SequenceRange(1, 1)], [SequenceRange(2, 2)], [SequenceRange(3, 3)]])
    }
}

struct ResendTimerTests {
    @Test func `the timer is at least 100 ms, four times the smoothed time, and doubles`() {
        var timer = ResendTimer()
        #expect(timer.timeout(resends: 0) == 100_000_000)
        #expect(timer.timeout(resends: 2) == 400_000_000)
        timer.sample(200_000_000)
        #expect(timer.timeout(resends: 0) == 800_000_000)
        for _ in 0..<200 { timer.sample(1_000_000) }
        #expect(timer.timeout(resends: 0) == 100_000_000)
        #expect(timer.timeout(resends: 255) == ResendTimer.ceilingNanoseconds)
    }

    @Test func `whatever the samples say, no wait is longer than ten seconds`() {
        var timer = ResendTimer()
        for _ in 0..<100 { timer.sample(.max) }
        for resends in UInt8.min...UInt8.max { #expect(timer.timeout(resends: resends) == 10_000_000_000) }
        for _ in 0..<40 { timer.sample(1_000_000) }
        #expect(timer.timeout(resends: 0) == 100_000_000, "one long stop is soon forgotten")
    }

    /// One record that is sent at 0, sent again when its timer ends, and held a millisecond after that.
    private func windowWithResend(laterCopies: Int) -> SendWindow {
        var window = SendWindow(watermark: 0, mostRecords: 16, mostBytes: 1 << 20)
        window.load(byteCounts: [10])
        _ = window.take(mostRecords: 16, mostBytes: 1 << 20, at: 0)
        window.expire(at: ResendTimer.floorNanoseconds)
        _ = window.take(mostRecords: 16, mostBytes: 1 << 20, at: ResendTimer.floorNanoseconds)
        _ = window.settle(
            watermark: 1, held: [], laterCopies: laterCopies, at: ResendTimer.floorNanoseconds + 1_000_000)
        return window
    }

    @Test func `a first copy that comes late lengthens the timer, a second copy does not`() {
        #expect(windowWithResend(laterCopies: 0).timer.timeout(resends: 0) == 404_000_000)
        #expect(windowWithResend(laterCopies: 1).timer.timeout(resends: 0) == 100_000_000)
    }
}

struct DeathAccountTests {
    @Test func `two deaths among others, then three alone, and the record is given up`() {
        var account = DeathAccount()
        #expect(account.died(alone: false) == .sendAgain)
        #expect(account.died(alone: false) == .sendAlone)
        #expect(account.died(alone: true) == .sendAlone)
        #expect(account.died(alone: true) == .sendAlone)
        #expect(account.died(alone: true) == .givenUp)
    }

    @Test func `deaths among others never give a record up`() {
        var account = DeathAccount()
        for _ in 0..<100 { #expect(account.died(alone: false) != .givenUp) }
    }
}
