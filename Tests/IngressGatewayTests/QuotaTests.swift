import Bus
import PipelineConfiguration
import Testing
import Threads
import Wire

@testable import IngressGateway

/// Quotas over real sockets. The verdict is what the field `x-proof` says, and `x-forwarded-for` is believed.
@Suite(.serialized) struct QuotaTests {
    /// Refuses at once what is over a quota.
    private func ingress(
        patienceNanoseconds: Int64 = 0, budgetBytes: Int = 64 << 20,
        _ change: (inout QuotasConfiguration) -> Void = { _ in }
    ) throws -> TestIngress {
        var settings = QuotaSettings(journalBytes: budgetBytes, patienceNanoseconds: patienceNanoseconds)
        change(&settings.quotas)
        let test = try TestIngress(trustedProxies: ["127.0.0.1"], quotas: settings)
        test.bus.judge { webhook in
            webhook.fields["x-proof"] == "good" ? .accepted : Verdict(httpStatus: 401, code: "signature_mismatch")
        }
        return test
    }

    private func webhook(_ proof: String, from address: String, bytes: Int = 500, path: String = "/in/stream") -> String
    {
        post(
            path, body: String(repeating: "x", count: bytes),
            fields: "X-Proof: \(proof)\r\nX-Forwarded-For: \(address)\r\n")
    }

    @Test func `what is over a quota gets 429 with Retry-After and is not journaled`() throws {
        let test = try ingress { quotas in
            quotas.perAddress = QuotaConfiguration(requestsPerSecond: 1000, bytesPerSecond: 1024, burst: .seconds(1))
        }
        let client = test.connect()
        client.send(webhook("good", from: "192.0.2.1", bytes: 40_000))
        #expect(client.answer()?.status == 202)
        client.send(webhook("good", from: "192.0.2.1") + webhook("good", from: "192.0.2.2"))
        let refused = try #require(client.answer())
        #expect(refused.status == 429 && refused.code == "address_quota" && !refused.closes)
        let seconds = try #require(refused.fields["retry-after"].flatMap { Int($0) })
        #expect((1...60).contains(seconds))
        #expect(client.answer()?.status == 202, "another address is not concerned")
        #expect(test.bus.webhooks.count == 2)
        // A large body is not read for the sake of the connection.
        let large = test.connect()
        large.send(webhook("good", from: "192.0.2.1", bytes: 500_000))
        let closed = try #require(large.answer())
        #expect(closed.status == 429 && closed.closes)
        #expect(test.bus.webhooks.count == 2)
        #expect(test.metrics.contains(#"tributary_refused_total{"#))
        #expect(test.metrics.contains(#"source="stream",reason="address_quota"} 2"#), "\(test.metrics)")
    }

    @Test func `a good sender is served beside forgeries, whose quota is small`() throws {
        let test = try ingress()
        for (good, bad) in [("192.0.2.1", "192.0.2.66"), ("192.0.2.7", "192.0.2.7")] {
            let before = test.bus.webhooks.count
            let sender = test.connect()
            sender.send(webhook("good", from: good))
            #expect(sender.answer()?.status == 202)
            var forged: [Int] = []
            for _ in 0..<12 {
                let forger = test.connect()
                forger.send(webhook("bad", from: bad, bytes: 1_000_000))
                sender.send(webhook("good", from: good))
                #expect(sender.answer()?.status == 202)
                forged.append(forger.answer()?.status ?? 0)
            }
            #expect(forged.allSatisfy { $0 == 401 || $0 == 429 } && forged.last == 429)
            let large = test.bus.webhooks.dropFirst(before).count { $0.body.utf8.count > 1000 }
            #expect(large == forged.count { $0 == 401 } && large < 6)
        }
        // A new connection of the good sender finds its place, too.
        let another = test.connect()
        another.send(webhook("good", from: "192.0.2.7"))
        #expect(another.answer()?.status == 202)
    }

    @Test func `a request waits, unread, until there is room`() throws {
        let test = try ingress(patienceNanoseconds: 60_000_000_000) { quotas in
            quotas.refused = QuotaConfiguration(requestsPerSecond: 500, bytesPerSecond: 1024, burst: .seconds(1))
        }
        test.bus.holdAnswers(true)
        let first = test.connect()
        first.send(webhook("good", from: "192.0.2.1", bytes: 60_000))
        #expect(eventually { test.bus.webhooks.count == 1 })
        let second = test.connect()
        second.send(webhook("good", from: "192.0.2.1", bytes: 60_000))
        let third = test.connect()
        third.send("POST /in/stream HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Proof: good\r\n")
        third.send("Transfer-Encoding: chunked\r\n\r\n")
        let chunk = String(repeating: "x", count: 0x4000)
        for _ in 0..<4 { third.send("4000\r\n\(chunk)\r\n") }
        third.send("0\r\n\r\n")
        let small = test.connect()
        small.send(webhook("good", from: "192.0.2.1"))
        #expect(eventually { test.bus.webhooks.count == 2 }, "a small one does not wait")
        test.bus.holdAnswers(false)
        // Its verdict makes room for one after the other.
        let entry = VerdictNotice.Entry(sequences: SequenceRange(1, 2), verdict: .accepted)
        test.bus.busDelegate.judged([entry])
        #expect(second.answer()?.status == 202 && third.answer()?.status == 202)
        test.bus.answer(1, 2)
        #expect(first.answer()?.status == 202 && small.answer()?.status == 202)
        #expect(test.bus.webhooks.map(\.body.utf8.count).sorted() == [500, 60_000, 60_000, 65_536])
    }

    @Test func `the rest of a full journal is for senders whose webhooks verify`() throws {
        // Nothing is settled here.
        let test = try ingress(budgetBytes: 1 << 20)
        let good = test.connect()
        good.send(webhook("good", from: "192.0.2.1"))
        #expect(good.answer()?.status == 202)
        var statuses: [Int] = []
        var refusal: HTTPAnswer?
        for host in 1...100 where refusal == nil {
            let stranger = test.connect()
            stranger.send(webhook("bad", from: "198.51.100.\(host)", bytes: 15_000))
            let answer = stranger.answer()
            if answer?.status == 401 { statuses.append(401) } else { refusal = answer }
        }
        #expect(refusal?.status == 503 && refusal?.code == "journal_reserved")
        #expect(refusal?.fields["retry-after"] != nil)
        #expect((40...52).contains(statuses.count))
        for _ in 0..<100 {
            good.send(webhook("good", from: "192.0.2.1", bytes: 1000))
            #expect(good.answer()?.status == 202)
        }
    }

    @Test func `clients that leave while they wait leave nothing behind`() throws {
        let test = try ingress(patienceNanoseconds: 60_000_000_000) { quotas in
            quotas.refused = QuotaConfiguration(requestsPerSecond: 500, bytesPerSecond: 1024, burst: .seconds(1))
        }
        // Admitted, and gone before its body is complete.
        var gone: Client? = test.connect()
        gone?.send(webhook("good", from: "192.0.2.1", bytes: 60_000).prefix(30_000).description)
        var waiting: Client? = test.connect()
        waiting?.send(webhook("good", from: "192.0.2.1", bytes: 60_000))
        gone = nil
        #expect(waiting?.answer()?.status == 202, "whoever waited has its room")
        waiting = nil
        #expect(test.bus.webhooks.count == 1)
    }

    @Test func `another quota counts after a reload`() throws {
        let test = try ingress()
        let client = test.connect()
        client.send(webhook("good", from: "192.0.2.1", bytes: 40_000))
        #expect(client.answer()?.status == 202)
        var settings = test.settings
        settings.quotas.quotas.perAddress = QuotaConfiguration(
            requestsPerSecond: 1000, bytesPerSecond: 1024, burst: .milliseconds(100))
        try test.ingress.take(settings)
        client.send(webhook("good", from: "192.0.2.1", bytes: 40_000) + webhook("good", from: "192.0.2.1"))
        #expect((0..<2).map { _ in client.answer()?.status } == [202, 429])
    }
}
