import Bus
import Journal
import StageMetrics
import Synchronization
import Testing
import WebhookIntake
import Wire

@testable import IngressGateway

@Suite(.serialized) struct WebhookTests {
    @Test func `a webhook is on disk before it is answered, whole and sealed`() throws {
        let test = try TestIngress()
        let client = test.connect()
        let fields =
            "X-Signature: abc\r\nCookie: secret\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\n"
            + "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
        client.send(post("/in/fishjam/T0ken?x=1", body: "{\"a\":1}", fields: fields))
        let answer = try #require(client.answer())
        #expect(answer.status == 202)
        #expect(answer.body.hasSuffix("-1\"}"))
        let webhook = try #require(test.bus.webhooks.first)
        #expect(webhook.isIntact && webhook.sequence == 1 && webhook.source == "fishjam")
        #expect(webhook.body == "{\"a\":1}")
        #expect(webhook.fields["x-signature"] == "abc")
        #expect(webhook.fields[":token"] == "T0ken")
        #expect(
            webhook.fields["cookie"] == nil && webhook.fields["x-hop"] == nil && webhook.fields["connection"] == nil)
        #expect(webhook.hasTraceContext)
    }

    @Test func `a trace context that is none is not carried on`() throws {
        let test = try TestIngress()
        let client = test.connect()
        let ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
        let zeros = String(repeating: "0", count: 32)
        for value in [
            "00-\(ids)-0", "00-\(ids)-01-", "ff-\(ids)-01", "00-\(ids.uppercased())-01", "00_\(ids)_01",
            "01-\(ids)-01a",
            "00-\(zeros)-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        ] {
            client.send(post(fields: "traceparent: \(value)\r\n"))
            #expect(client.answer()?.status == 202)
        }
        #expect(test.bus.webhooks.filter(\.hasTraceContext).isEmpty)
        client.send(post(fields: "traceparent: cc-\(ids)-01-fe-e1\r\n"))
        #expect(client.answer()?.status == 202)
        #expect(test.bus.webhooks.last?.hasTraceContext == true)
    }

    @Test func `pipelined webhooks are answered in order on one connection`() throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send((0..<500).map { post(body: "{\"n\":\($0)}") }.joined())
        for number in 1...500 {
            #expect(try #require(client.answer()).body.hasSuffix("-\(number)\"}"))
        }
        #expect(test.bus.webhooks.map(\.body) == (0..<500).map { "{\"n\":\($0)}" })
    }

    @Test func `a later answer waits for the earlier one`() throws {
        let test = try TestIngress()
        test.bus.holdAnswers(true)
        let client = test.connect()
        client.send(post() + "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" + post())
        #expect(eventually { test.bus.webhooks.count == 2 })
        test.bus.answer(2, 2)
        test.bus.answer(1, 1)
        #expect((0..<3).compactMap { _ in client.answer()?.status } == [202, 404, 202])
    }

    @Test func `chunks are put together, and a body in drops too`() throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send("POST /in/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in ["5\r\nhello\r\n", "1;ext=1\r\n \r\n", "5\r\nwo", "rld\r\n", "0\r\nTrailer: x\r\n\r\n"] {
            client.send(chunk)
        }
        #expect(client.answer()?.status == 202)
        for byte in post(body: "drops").utf8 { client.send([byte]) }
        #expect(client.answer()?.status == 202)
        #expect(test.bus.webhooks.map(\.body) == ["hello world", "drops"])
    }

    @Test func `a verdict within the time becomes the answer`() throws {
        let test = try TestIngress()
        test.bus.judge(1, Verdict(httpStatus: 401, code: "signature_mismatch"))
        test.bus.judge(2, Verdict(httpStatus: 202, code: "", reply: Array("challenge".utf8)))
        let client = test.connect()
        client.send(post() + post())
        let refused = try #require(client.answer())
        #expect(refused.status == 401 && refused.code == "signature_mismatch")
        let challenged = try #require(client.answer())
        #expect(challenged.status == 202 && challenged.body == "challenge")
        #expect(challenged.fields["content-type"]?.hasPrefix("text/plain") == true)
    }

    @Test func `a probe is answered and not journaled`() throws {
        let test = try TestIngress(isProbe: { head, body in head.value("x-signature") == nil && body.count == 2 })
        let client = test.connect()
        client.send(post("/in/fastpix", body: "{}") + post("/in/fastpix", body: "{} "))
        #expect(client.answer()?.status == 200)
        #expect(client.answer()?.status == 202)
        #expect(test.bus.webhooks.map(\.body) == ["{} "])
    }

    @Test func `a client that has ended its sending side gets its answer`() throws {
        let test = try TestIngress()
        test.bus.holdAnswers(true)
        let client = test.connect()
        client.send(post())
        client.endSending()
        #expect(eventually { test.bus.webhooks.count == 1 })
        test.bus.answer(1, 1)
        let answer = try #require(client.answer())
        #expect(answer.status == 202)
        #expect(client.endsNow())
    }

    @Test func `a full budget is 503 with Retry-After until something is settled`() throws {
        let test = try TestIngress(journal: .small)
        let client = test.connect()
        let body = String(repeating: "x", count: 1000)
        let taken = test.fill(client, body)
        #expect(taken >= 4)
        for _ in 0..<2 {
            client.send(post(body: body))
            let refused = try #require(client.answer())
            #expect(refused.status == 503 && refused.code == "journal_over_budget")
            #expect(refused.fields["retry-after"] == "5" && !refused.closes)
        }
        test.bus.busDelegate.settled(through: UInt64(taken))
        let state = test.ingress.running[0].partition.intake.state
        #expect(eventually { state.mode.load(ordering: .relaxed) == .accepting })
        client.send(post(body: body))
        #expect(try #require(client.answer()).body.hasSuffix("-\(taken + 1)\"}"))
    }

    @Test func `an orderly stop finishes what is open and loses nothing`() throws {
        let test = try TestIngress()
        test.bus.holdAnswers(true)
        let idle = test.connect()
        let busy = test.connect()
        busy.send(post())
        #expect(eventually { test.bus.webhooks.count == 1 })
        let stopped = Promise<Void>()
        test.stopOnAnotherThread(stopped)
        #expect(idle.endsNow())
        test.bus.answer(1, 1)
        let answer = try #require(busy.answer())
        #expect(answer.status == 202 && answer.closes)
        busy.endSending()
        _ = try stopped.wait().get()
        let journal = try Journal(path: test.folder, .small)
        #expect(journal.nextSequence == 2)
    }

    @Test func `several event loops share one journal`() throws {
        let test = try TestIngress(eventLoops: 2)
        let clients = (0..<8).map { _ in test.connect() }
        for _ in 0..<20 {
            for client in clients { client.send(post()) }
            for client in clients { #expect(client.answer()?.status == 202) }
        }
        #expect(test.bus.webhooks.map(\.sequence) == Array(1...160))
    }

    @Test func `what the bus asks for is read back, and an old copy is renumbered`() throws {
        let test = try TestIngress()
        let client = test.connect()
        for _ in 0..<3 {
            client.send(post())
            #expect(client.answer()?.status == 202)
        }
        test.bus.busDelegate.readBack(from: 2, maxRecords: 10, maxBytes: 1 << 20)
        #expect(eventually { test.bus.loadedBatches.map(\.count) == [1, 1] })
        test.bus.busDelegate.settled(through: 1)
        test.bus.busDelegate.renumber()
        #expect(eventually { test.bus.renumbering != nil })
        #expect(test.bus.renumbering?.1 == 4)
        #expect(test.bus.renumbering?.2 == 6)
        client.send(post())
        #expect(try #require(client.answer()).body.hasSuffix("-6\"}"))
        #expect(test.sentences.contains { $0.contains("older copy") })
    }
}
