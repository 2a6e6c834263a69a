import JSON
import SeededRandom
import Testing

@testable import IngressConnector

/// What the connector decides on its way to Fishjam's notifications.
struct FishjamTests {
    @Test func `the handshake is byte for byte that of the server's own clients`() {
        #expect(
            FishjamHandshake.request(token: Array("development".utf8))
                == [0x3A, 0x0D, 0x0A, 0x0B] + Array("development".utf8))
        let long = [UInt8](repeating: 0x61, count: 200)
        #expect(FishjamHandshake.request(token: long) == [0x3A, 0xCB, 0x01, 0x0A, 0xC8, 0x01] + long)
        var handshake = FishjamHandshake(metrics: true)
        #expect(handshake.receive(0x32) == .send([[0x42, 0x02, 0x08, 0x01], [0x42, 0x02, 0x08, 0x02]]))
    }

    @Test func `what was missed is said before the first notification, whichever class it is of`() {
        var handshake = FishjamHandshake(metrics: true)
        let actions = [0x32, 0x4A, 0x0A, 0x4A, 0x62].map { handshake.receive($0) }
        #expect(actions.dropFirst() == [.subscribed, .notification, .none, .notification])
    }

    @Test func `a wrong token is called so, and any other end what it is`() {
        var handshake = FishjamHandshake(metrics: false)
        #expect(handshake.sentence(closedWith: 1000, "invalid token").contains("`token` has to be its API token"))
        _ = handshake.receive(0x32)
        #expect(handshake.sentence(closedWith: 1011, "") == "the connection was closed with 1011")
        #expect(
            handshake.sentence(closedWith: 1003, "operation not allowed")
                == "the connection was closed with 1003: operation not allowed")
    }

    @Test func `who does not authenticate, or sends nothing, is left`() {
        var handshake = FishjamHandshake(metrics: false)
        guard case .refuse = handshake.receive(0x0A) else {
            Issue.record("a notification before the authentication was taken")
            return
        }
        #expect(handshake.receive(0x32) == .send([[0x42, 0x02, 0x08, 0x01]]))
        #expect(handshake.receive(0x4A) == .subscribed)
        guard case .refuse = handshake.receive(nil) else {
            Issue.record("an empty message was taken")
            return
        }
    }

    @Test func `attempts are further and further apart, half by chance, up to a limit`() {
        var random = SeededGenerator(seed: 7)
        var delay = RetryDelay()
        let delays = (0..<12).map { _ in delay.next(using: &random) }
        for (failures, milliseconds) in delays.enumerated() {
            let most = min(30_000, 250 << failures)
            #expect((most / 2...most).contains(milliseconds))
        }
        #expect(Set(delays.suffix(5)).count > 1)
        delay.reset()
        #expect(delay.next(using: &random) <= 250)
    }

    private func withFile(_ use: (String) -> Void) throws {
        let folder = try TemporaryFolder()
        use("\(folder.path)/fish.heard")
    }

    @Test func `a gap lasts from when the server was last heard until notifications come again`() throws {
        try withFile { path in
            var account = GapAccount(path: path)
            #expect(account.connect(at: 1_000) == nil)
            account.hear(at: 2_000)
            account.disconnect("the connection broke")
            account.hear(at: 2_500)
            let gap = account.connect(at: 9_000)
            #expect(gap == Gap(from: 2_000, to: 9_000, reason: "the connection broke"))
            // It could not be kept: the next one begins where it began.
            account.disconnect("the journal took nothing")
            #expect(account.connect(at: 12_000) == Gap(from: 2_000, to: 12_000, reason: "the connection broke"))
            account.settle(at: 12_000)
            account.disconnect("closed")
            #expect(account.connect(at: 13_000)?.from == 12_000)
        }
    }

    @Test func `a gap begins with what came and could not be kept`() throws {
        try withFile { path in
            var account = GapAccount(path: path)
            _ = account.connect(at: 1_000)
            account.hear(at: 5_000)
            account.disconnect("the journal took nothing", lostAt: 4_000)
            #expect(account.connect(at: 6_000)?.from == 4_000)
        }
    }

    @Test func `a gap is known beyond the end of the process`() throws {
        try withFile { path in
            var account = GapAccount(path: path)
            _ = account.connect(at: 1_000)
            account.hear(at: 2_000_000_000)
            var next = GapAccount(path: path)
            #expect(
                next.connect(at: 3_000_000_000)
                    == Gap(from: 2_000_000_000, to: 3_000_000_000, reason: "the connector was not running"))
        }
    }

    @Test func `the event about a gap is named by the time that it speaks of`() {
        let gap = Gap(from: 1_700_000_000_000_000_000, to: 1_700_000_001_500_000_000, reason: "closed")
        let webhook = gap.webhook(of: "fish")
        #expect(webhook.isGap && webhook.id == "gap-fish-1700000000000000000-1700000001500000000")
        let body = JSONValue.read(webhook.body)
        #expect(body?["milliseconds"].integer == 1500 && body?["from"].text == "2023-11-14T22:13:20.000Z")
        // A longer one, said after a crash, is no repetition of the shorter one.
        #expect(webhook.id != Gap(from: gap.from, to: gap.to + 1, reason: "closed").webhook(of: "fish").id)
    }
}
