import Bus
import Foundation
import HTTPFront
import Journal
import StageMetrics
import Testing
import Wire

@testable import IngressGateway
@testable import WebhookIntake

@Suite struct PartsTests {
    @Test func `the passed socket is taken only by the process that it was passed to`() {
        func choose(_ count: String?, _ pid: String?) -> ListeningSocket {
            ListeningSocket.choose(listenFDs: count, listenPID: pid, ownPID: 42, host: "h", port: 1)
        }
        let own = ListeningSocket.bind(host: "h", port: 1, sharesPort: true)
        #expect(choose("1", "42") == .inherited(3))
        #expect(choose("2", "42") == .inherited(3))
        #expect(choose("1", "43") == own)
        #expect(choose("0", "42") == own)
        #expect(choose(nil, "42") == own)
        #expect(choose("1", nil) == own)
        #expect(choose("x", "42") == own)
    }

    @Test func `answers find whoever waits, once, in any order`() {
        let pending = PendingAnswers()
        let tokens = (0..<5).map {
            ReplyToken(sink: 0, slot: 0, generation: 0, request: UInt32($0), startedNanoseconds: 0)
        }
        pending.add(Array(tokens[..<3]), first: 10, journal: JournalID(high: 1, low: 2))
        pending.add(Array(tokens[3...]), first: 13, journal: JournalID(high: 1, low: 2))
        func take(_ first: UInt64, _ last: UInt64) -> [UInt32] {
            pending.take([AnswerRange(sequences: SequenceRange(first, last), verdict: nil)]).map(\.0.request)
        }
        #expect(take(12, 13) == [2, 3])
        #expect(take(12, 12) == [])
        #expect(take(1, 10) == [0])
        #expect(pending.count == 4)
        #expect(take(1, .max - 1) == [1, 4])
        #expect(pending.count == 0)
        #expect(take(10, 14) == [])
    }

    @Test func `the age of the oldest follows the watermark`() {
        var ages = UnsettledAges()
        #expect(ages.oldestNanoseconds == 0)
        for second in 1...10 {
            ages.note(first: UInt64(second * 10), receivedAtNanoseconds: Int64(second) * 1_000_000_000)
            ages.note(first: UInt64(second * 10 + 5), receivedAtNanoseconds: Int64(second) * 1_000_000_000 + 5)
        }
        #expect(ages.oldestNanoseconds == 1_000_000_000)
        ages.settle(through: 35, next: 110)
        #expect(ages.oldestNanoseconds == 3_000_000_000)
        ages.settle(through: 39, next: 110)
        #expect(ages.oldestNanoseconds == 4_000_000_000)
        ages.settle(through: 109, next: 110)
        #expect(ages.oldestNanoseconds == 0)
    }

    @Test func `what comes while the journal is busy is taken together`() {
        let mailbox = JournalMailbox()
        let token = ReplyToken(sink: 0, slot: 0, generation: 0, request: 0, startedNanoseconds: 0)
        let one = PendingBatch(
            RecordBatch(written: [UInt8](repeating: 0, count: 1000), ends: [1000]), tokens: [token])
        for _ in 0..<3 { mailbox.submit([one, one]) }
        mailbox.settle(through: 5)
        mailbox.settle(through: 3)
        let work = mailbox.take(within: 0)
        #expect(work.batches.map(\.records.byteCount) == [Int](repeating: 1000, count: 6))
        #expect(work.settledThrough == 5)
        #expect(mailbox.take(within: 0).isEmpty)
    }

    @Test func `every metric that an operator asks for is there`() {
        let registry = MetricRegistry(stage: "ingress-gateway", instance: "ingress-gateway-0", version: "test")
        let metrics = IngressMetrics(registry)
        _ = JournalMetrics(registry, IntakePartition())
        metrics.count(.refused(.sourceUnknown), nil, source: nil)
        let queries = [
            #"sum(rate(tributary_http_requests_total{status="202"}[5m]))"#,
            "sum by (source, reason) (increase(tributary_refused_total[1h]))",
            "tributary_backlog_records", "tributary_oldest_unsettled_seconds",
            "histogram_quantile(0.99, sum by (le) (rate(tributary_acknowledgement_seconds_bucket[5m])))",
        ]
        let text = registry.render()
        for query in queries {
            for name in query.matches(of: #/tributary_[a-z_]+/#).map({ String($0.output) }) {
                #expect(text.contains("\n\(name){"), "\(name)")
            }
        }
    }
}
