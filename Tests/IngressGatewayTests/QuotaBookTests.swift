import PipelineConfiguration
import Primitives
import SeededRandom
import Testing
import WebhookIntake
import Wire

@testable import IngressGateway

/// A book in virtual time, and what comes in for it.
private struct Scene {
    var book: QuotaBook
    var now: Int64 = 1_000_000_000
    var journalBytes = 0
    private var nextSequence: UInt64 = 1

    init(
        perAddress: QuotaConfiguration? = nil, refused: QuotaConfiguration? = nil, budgetBytes: Int = .max
    ) {
        var settings = QuotaSettings(journalBytes: budgetBytes)
        if let perAddress { settings.quotas.perAddress = perAddress }
        if let refused { settings.quotas.refused = refused }
        book = QuotaBook(settings)
    }

    static func sender(_ host: UInt64, source: UInt32 = 1) -> Sender { Sender(network: host, source: source) }

    mutating func pass(_ duration: Duration) { now += Int64(duration.inSeconds * 1e9) }

    mutating func ask(
        _ host: UInt64, _ bytes: Int = 1000, source: UInt32 = 1, trusted: Bool = false,
        sourceQuota: QuotaConfiguration = QuotasConfiguration().perSource
    ) -> QuotaDecision {
        book.admit(
            .init(
                sender: Self.sender(host, source: source), sourceQuota: sourceQuota, bytes: bytes, isTrusted: trusted,
                journalBytes: journalBytes), at: now)
    }

    /// Journals what was admitted; returns its sequence.
    mutating func journal(_ host: UInt64, _ bytes: Int = 1000, source: UInt32 = 1) -> UInt64 {
        let receipt = QuotaReceipt(sender: Self.sender(host, source: source), bytes: UInt32(bytes))
        book.journaled([receipt], first: nextSequence, at: now)
        nextSequence += 1
        return nextSequence - 1
    }

    mutating func judge(_ sequence: UInt64, _ isGenuine: Bool?) {
        book.judged(SequenceRange(sequence, sequence), isGenuine: isGenuine, at: now)
    }

    /// One webhook the whole way; returns what it was told at the door.
    @discardableResult
    mutating func send(
        _ host: UInt64, _ bytes: Int = 1000, source: UInt32 = 1, trusted: Bool = false, genuine: Bool
    ) -> QuotaDecision {
        let decision = ask(host, bytes, source: source, trusted: trusted)
        if decision == .admitted { judge(journal(host, bytes, source: source), genuine) }
        return decision
    }
}

extension QuotaDecision {
    fileprivate var reason: QuotaReason? {
        if case .over(let reason, _) = self { reason } else { nil }
    }
}

@Suite struct QuotaBookTests {
    private let slow = QuotaConfiguration(requestsPerSecond: 10, bytesPerSecond: 10_000, burst: .seconds(2))

    @Test func `a burst is admitted at once and then the rate, each address and source for itself`() {
        var scene = Scene(perAddress: slow)
        let burst = (0..<30).map { _ in scene.ask(1, 10) }.count { $0 == .admitted }
        #expect(burst == 20)
        #expect(scene.ask(1, 10) == .over(.address, waitNanoseconds: 1))
        #expect(scene.ask(2, 10) == .admitted)
        #expect(scene.ask(1, 10, source: 2) == .admitted)
        scene.pass(.seconds(1))
        #expect((0..<30).map { _ in scene.ask(1, 10) }.count { $0 == .admitted } == 10)
    }

    @Test func `a source's quota counts all its addresses`() {
        var scene = Scene()
        let decisions = (0..<30).map { scene.ask(UInt64($0), 10, sourceQuota: slow) }
        #expect(decisions.count { $0 == .admitted } == 20)
        #expect(decisions.last?.reason == .source)
        #expect(scene.ask(1, 10, source: 2, sourceQuota: slow) == .admitted)
    }

    @Test func `bytes count as well, nothing is too large for ever, and no debt lasts`() {
        var scene = Scene(perAddress: slow)
        #expect(scene.ask(1, 64 << 20) == .admitted)
        #expect(scene.ask(1, 0).reason == .address)
        scene.pass(.nanoseconds(Pace.longestDebtNanoseconds))
        #expect(scene.ask(1, 0) == .admitted)
    }

    @Test func `whose webhooks fail verification is refused, and nobody else`() {
        var scene = Scene(refused: QuotaConfiguration(requestsPerSecond: 10, bytesPerSecond: 1024, burst: .seconds(1)))
        let decisions = (0..<100).map { _ in scene.send(1, genuine: false) }
        #expect(decisions.count { $0 == .admitted } == 10)
        #expect(decisions.last?.reason == .refused)
        #expect(scene.ask(2) == .admitted)
        #expect(scene.ask(1, source: 2) == .admitted)
        scene.pass(.seconds(10))
        #expect(scene.ask(1) == .admitted)
    }

    @Test func `small webhooks are served beside large ones that fail, from one address too`() {
        var scene = Scene()
        for round in 0..<1000 {
            scene.send(1, 1 << 20, genuine: false)
            #expect(scene.send(1, 2000, genuine: true) == .admitted, "round \(round)")
            scene.pass(.milliseconds(5))
        }
        #expect(scene.ask(1, 1 << 20).reason == .refused)
    }

    @Test func `a connection whose webhooks verify is served whatever else its address sends`() {
        var scene = Scene()
        scene.send(1, 1 << 20, genuine: true)
        for _ in 0..<10_000 { scene.send(1, genuine: false) }
        #expect(scene.ask(1).reason == .refused)
        #expect(scene.ask(1, trusted: true) == .admitted)
        #expect(scene.ask(1, 100_000, trusted: true) == .admitted)
    }

    @Test func `all strangers of a source together have a bound, which concerns no sender with a record`() {
        var scene = Scene(refused: QuotaConfiguration(requestsPerSecond: 10, bytesPerSecond: 1024, burst: .seconds(1)))
        scene.send(0, genuine: true)
        let admitted = (1...1000).count { scene.send(UInt64($0), genuine: false) == .admitted }
        #expect(admitted == 10 * QuotaBook.strangersFactor)
        #expect(scene.ask(5000).reason == .refused)
        #expect(scene.ask(5000, source: 2) == .admitted)
        #expect(scene.ask(0) == .admitted)
    }

    @Test func `what is unverified is bounded for each stranger and for all`() {
        let megabyte = 1 << 20
        var scene = Scene(
            refused: QuotaConfiguration(requestsPerSecond: 500, bytesPerSecond: megabyte, burst: .seconds(4)))
        #expect((0..<64).count { _ in scene.ask(1, megabyte) == .admitted } == 4)
        #expect(scene.ask(1, megabyte) == .over(.unverified, waitNanoseconds: 0))
        #expect(scene.ask(1, 1000) == .admitted)
        let others = (2..<100).count { scene.ask(UInt64($0), megabyte) == .admitted }
        let all = 4 * megabyte * QuotaBook.strangersFactor / (megabyte - QuotaBook.freeBytes)
        #expect(others == all - 4)
        // Each of these makes room: a verdict, a settlement, an end before the journal.
        for host in UInt64(1)...3 { _ = scene.journal(host, megabyte) }
        scene.judge(1, nil)
        #expect(scene.ask(200, megabyte) == .admitted)
        #expect(scene.ask(201, megabyte).reason == .unverified)
        scene.book.settled(through: 2)
        #expect(scene.ask(201, megabyte) == .admitted)
        scene.book.release(QuotaReceipt(sender: Scene.sender(201), bytes: UInt32(megabyte)))
        #expect(scene.ask(202, megabyte) == .admitted)
    }

    @Test func `a record gives room for more, and a refusal takes it for a while`() {
        let megabyte = 1 << 20
        var scene = Scene(
            refused: QuotaConfiguration(requestsPerSecond: 500, bytesPerSecond: megabyte, burst: .seconds(2)))
        scene.send(1, genuine: true)
        #expect((0..<64).count { _ in scene.ask(1, megabyte) == .admitted } == 2 * QuotaBook.recordFactor)
        scene.send(2, genuine: true)
        scene.send(2, genuine: false)
        #expect((0..<64).count { _ in scene.ask(2, megabyte) == .admitted } == 2)
        #expect(scene.ask(2, megabyte).reason == .unverified)
    }

    @Test func `while no verdict comes nobody waits for one`() {
        var scene = Scene()
        while scene.ask(1, 1 << 20) == .admitted { _ = scene.journal(1, 1 << 20) }
        scene.pass(.nanoseconds(QuotaBook.verdictPatienceNanoseconds + 1))
        #expect((0..<100).allSatisfy { _ in scene.ask(1, 1 << 20) == .admitted })
        scene.judge(1, nil)
        #expect(scene.ask(1, 1 << 20).reason == .unverified)
    }

    @Test func `the last quarter of the journal is for senders with a record`() {
        var scene = Scene(budgetBytes: 1_000_000)
        scene.send(1, genuine: true)
        scene.send(2, 900, genuine: false)
        scene.journalBytes = 740_000
        #expect(scene.ask(2, 9000) == .admitted)
        // What is on its way to the journal counts.
        #expect(scene.ask(2, 9000) == .reserved && scene.ask(3, 9000) == .reserved)
        #expect(scene.ask(1, 9000) == .admitted)
        for _ in 0..<10_000 { scene.send(1, genuine: false) }
        #expect(scene.ask(1, trusted: true) == .admitted)
        scene.pass(.nanoseconds(QuotaBook.recordNanoseconds))
        #expect(scene.ask(1) == .reserved)
    }

    @Test func `no number of strangers pushes a record out`() {
        var scene = Scene(budgetBytes: 1_000_000)
        scene.send(0, genuine: true)
        for host in 1...UInt64(5 * QuotaBook.accountsPerGeneration) { _ = scene.ask(host, 0) }
        scene.journalBytes = 800_000
        #expect(scene.ask(0) == .admitted)
        #expect(scene.ask(1) == .reserved)
    }

    @Test func `whatever happens to webhooks, in the end nothing is counted any more`() {
        for seed in 1...20 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var scene = Scene()
            var open: [(host: UInt64, bytes: Int)] = []
            var sequences: [UInt64] = []
            for _ in 0..<2000 {
                let host = generator.next() % 5
                switch generator.next() % 6 {
                case 0, 1:
                    let bytes = Int(generator.next() % 400_000)
                    if scene.ask(host, bytes) == .admitted { open.append((host, bytes)) }
                case 2 where !open.isEmpty:
                    let request = open.removeLast()
                    sequences.append(scene.journal(request.host, request.bytes))
                case 3 where !open.isEmpty:
                    let request = open.removeFirst()
                    let smaller = UInt32(request.bytes / 2)
                    let receipt = QuotaReceipt(sender: Scene.sender(request.host), bytes: UInt32(request.bytes))
                    scene.book.shrink(receipt, toBytes: smaller)
                    scene.book.release(QuotaReceipt(sender: receipt.sender, bytes: smaller))
                case 4 where !sequences.isEmpty:
                    let sequence = sequences.remove(at: Int(generator.next() % UInt64(sequences.count)))
                    scene.judge(sequence, [true, false, nil][Int(generator.next() % 3)])
                default: scene.pass(.milliseconds(Int64(generator.next() % 100)))
                }
            }
            for request in open { _ = scene.journal(request.host, request.bytes) }
            scene.book.settled(through: .max)
            #expect(scene.book.unjournaledBytes == 0 && scene.book.unjudgedCount == 0)
            scene.pass(.seconds(600))
            let each = QuotasConfiguration().refused.burstBytes + QuotaBook.freeBytes
            for host in 0..<5 as Range<UInt64> { #expect(scene.ask(host, each) == .admitted, "seed \(seed)") }
        }
    }

    @Test func `a sender is an IPv4 address or a 64-bit IPv6 network, in any spelling`() {
        func network(_ address: String?) -> UInt64 { Sender(address: address, source: 1).network }
        #expect(network("203.0.113.7") == network("::ffff:203.0.113.7"))
        #expect(network("203.0.113.7") != network("203.0.113.8"))
        #expect(network("2001:db8::1") == network("2001:db8:0:0:ffff::2"))
        #expect(network("2001:db8::1") != network("2001:db8:0:1::1"))
        #expect(network(nil) == network("unknown"))
        #expect(Sender(address: "1.2.3.4", source: 1) != Sender(address: "1.2.3.4", source: 2))
    }
}
