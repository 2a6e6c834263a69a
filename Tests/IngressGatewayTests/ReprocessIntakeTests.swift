import AdminServer
import Bus
import Synchronization
import Testing
import Threads
import WebhookIntake
import Wire

@testable import IngressGateway

@Suite struct ReprocessIntakeTests {
    private let origin = JournalID(high: 7, low: 9)

    private func webhook(_ sequence: Int, source: String = "stream", elements: String = "") -> String {
        """
        {"source":"\(source)","received_at_ns":1700000000123456789,"head":[["x-signature","abc"]],
        "body_base64":"e30=","replay_of":{"journal":"\(origin)","sequence":\(sequence)}\(elements)}
        """
    }

    private func replay(_ body: String, _ test: TestIngress) -> AdminReply {
        test.ingress.reprocessIntake.replay(AdminRequest(method: "POST", path: "/replay", body: Array(body.utf8)))
    }

    private func section(_ sequence: UInt64, _ elements: [UInt32]) -> [UInt8] {
        var expected = ByteWriter()
        expected.journalID(origin)
        expected.u64(sequence)
        if !elements.isEmpty { expected.u32(UInt32(elements.count)) }
        for element in elements { expected.u32(element) }
        return expected.bytes
    }

    @Test func `a replay is journaled under a new sequence and says what it replays`() throws {
        let test = try TestIngress()
        let reply = replay(webhook(77), test)
        #expect(reply.status == 202)
        #expect(String(decoding: reply.body, as: UTF8.self).hasSuffix("-1\"}"))
        let journaled = try #require(test.bus.webhooks.first)
        #expect(journaled.body == "{}" && journaled.fields["x-signature"] == "abc")
        #expect(test.bus.batches[0].receivedAtNanoseconds == 1_700_000_000_123_456_789)
        #expect(journaled.replayOf == section(77, []))
        for bad in ["", "{}", "{\"webhooks\":[{}]}", webhook(1, elements: ",\"elements\":[-1]")] {
            #expect(replay(bad, test).status == 400, "\(bad)")
        }
        #expect(replay(webhook(1, source: "nobody"), test).status == 404)
    }

    @Test func `refused elements are asked for again, and no others`() throws {
        let test = try TestIngress()
        #expect(replay(webhook(5, elements: ",\"elements\":[3,7]"), test).status == 202)
        #expect(replay(webhook(6, elements: ",\"elements\":null"), test).status == 202)
        #expect(test.bus.webhooks.map(\.replayOf) == [section(5, [3, 7]), section(6, [])])
    }

    @Test func `several are answered each for itself and keep their order`() throws {
        let test = try TestIngress()
        test.bus.judge(2, Verdict(httpStatus: 401, code: "signature_mismatch"))
        let list = [webhook(1), webhook(2, source: "nobody"), webhook(3)].joined(separator: ",")
        let reply = replay("{\"webhooks\":[\(list)]}", test)
        let text = String(decoding: reply.body, as: UTF8.self)
        #expect(reply.status == 200)
        #expect(text.hasPrefix("{\"answers\":[{\"status\":202,\"answer\":{\"id\":\""))
        #expect(text.contains("{\"status\":404,\"answer\":{\"error\":{\"code\":\"source_unknown\""))
        #expect(text.hasSuffix("-2\",\"verdict\":\"signature_mismatch\"}}]}"))
        #expect(test.bus.webhooks.map(\.replayOf) == [section(1, []), section(3, [])])
    }

    @Test func `an ingress that stops leaves no replay waiting`() throws {
        let test = try TestIngress()
        test.bus.holdAnswers(true)
        let replies = Mutex<[AdminReply]>([])
        let answered = Promise<Void>()
        let request = AdminRequest(method: "POST", path: "/replay", body: Array(webhook(1).utf8))
        let intake = test.ingress.reprocessIntake
        BlockingThread(name: "replay") {
            let reply = intake.replay(request)
            replies.withLock { $0.append(reply) }
            answered.give(.success(()))
        }
        #expect(eventually { test.bus.webhooks.count == 1 })
        let stopped = Promise<Void>()
        test.stopOnAnotherThread(stopped)
        _ = answered.wait()
        _ = stopped.wait()
        // It is on disk.
        #expect(replies.withLock { $0.map(\.status) } == [202])
        let late = replay(webhook(2), test)
        #expect(late.status == 503 && String(decoding: late.body, as: UTF8.self).contains("ingress_stopping"))
        #expect(test.bus.webhooks.count == 1)
    }

    @Test func `what the journal has not taken by the end is told to come again`() {
        let partition = Partition()
        let intake = ReprocessIntake(
            sinkIndex: 0, sources: [SourceRoute(name: "stream", isProbe: nil)], maxBodyBytes: 1000,
            builder: EnvelopeBuilder(instance: "i"), partitions: [partition])
        let answered = Promise<AdminReply>()
        let request = AdminRequest(method: "POST", path: "/replay", body: Array(webhook(1).utf8))
        BlockingThread(name: "replay") { answered.give(.success(intake.replay(request))) }
        _ = partition.intake.mailbox.take(within: 60_000)
        intake.end(journaled: [])
        let reply = try? answered.wait().get()
        #expect(reply?.status == 503)
        #expect(reply.map { String(decoding: $0.body, as: UTF8.self).contains("ingress_stopping") } == true)
    }
}
