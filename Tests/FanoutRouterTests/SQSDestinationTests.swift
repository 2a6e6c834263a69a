import AWS
import Egress
import EventLog
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import PipelineConfiguration
import Primitives
import Testing

@testable import EventDelivery

/// The SQS destination against a server that answers as the test says; `Tests/Brokers` has one that behaves as SQS does.
@Suite(.serialized) struct SQSDestinationTests {
    /// Delivers all at once, in one turn of the loop, and returns what became of each.
    private static func deliver(
        _ contents: [DeliveryContent], to subscriber: Subscriber, queue: String = "events"
    ) throws -> [AttemptOutcome] {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var configuration = SQSDestinationConfiguration()
        configuration.queueURL = try EndpointURL("http://127.0.0.1:\(subscriber.port)/123456789012/\(queue)")
        configuration.configuredRegion = "eu-central-1"
        let made = configuration
        let bodies = UncheckedContents(contents)
        return try loop.flatSubmit { () -> EventLoopFuture<[AttemptOutcome]> in
            let promises = bodies.contents.map { _ in loop.makePromise(of: AttemptOutcome.self) }
            do {
                let destination = SQSDestination(
                    made, AWSCredentials(accessKeyID: "AKID", secretAccessKey: Array("secret".utf8)),
                    connections: try ConnectionPool(
                        endpoint: made.queueURL, resolver: EgressResolver(EgressGuard(allow: ["127.0.0.0/8"])),
                        loop: loop), loop: loop)
                for (content, promise) in zip(bodies.contents, promises) {
                    let delivery = Delivery(
                        name: .event(1), mark: nil, attempt: 1, startedSeconds: 1_700_000_000,
                        timeoutNanoseconds: patience.nanoseconds, content: .single(content))
                    destination.deliver(delivery) { promise.succeed($0) }
                }
                destination.close(successor: nil)
                return EventLoopFuture.whenAllSucceed(promises.map(\.futureResult), on: loop)
            } catch {
                return loop.makeFailedFuture(error)
            }
        }.wait()
    }

    /// Contents are made on one thread and used on another, never on both at once.
    private struct UncheckedContents: @unchecked Sendable {
        let contents: [DeliveryContent]
        init(_ contents: [DeliveryContent]) { self.contents = contents }
    }

    /// The answer to a request that SQS takes whole.
    private static func taken(_ request: Subscriber.Request) -> String {
        let entries = JSONValue.read(request.body)?["Entries"].elements ?? []
        let results = entries.map { "{\"Id\":\"\($0["Id"].text)\",\"MessageId\":\"m\"}" }
        return "{\"Successful\":[\(results.joined(separator: ","))],\"Failed\":[]}"
    }

    @Test func `what begins together travels together, ten at most, each with its attributes`() throws {
        let subscriber = try Subscriber { _, request in .text(200, Self.taken(request)) }
        let contents = try (1...12).map {
            try BrokerSample.content(["id": "evt-\($0)", "subject": $0 == 2 ? "" : "s"])
        }
        #expect(try Self.deliver(contents, to: subscriber) == Array(repeating: .delivered, count: 12))
        let requests = subscriber.ledger.all
        let entries = requests.map { JSONValue.read($0.body)?["Entries"].elements ?? [] }
        #expect(entries.map(\.count).sorted() == [2, 10])
        #expect(requests[0].head.uri == "/" && requests[0].header("x-amz-target") == "AmazonSQS.SendMessageBatch")
        #expect(requests[0].header("authorization")?.contains("Credential=AKID/20231114/eu-central-1/sqs/") == true)
        let all = entries.sorted { $0.count > $1.count }.joined().map { $0 }
        #expect(all.map { $0["MessageAttributes"]["ce-id"]["StringValue"].text } == (1...12).map { "evt-\($0)" })
        let body = try #require(JSONValue.read(Array(all[0]["MessageBody"].text.utf8)))
        #expect(body["specversion"].text == "1.0" && body["data"]["a"].integer == 1)
        let attributes = all[0]["MessageAttributes"]
        #expect(attributes["ce-type"]["StringValue"].text == "dev.tributary.participant.joined")
        #expect(attributes["ce-source"]["StringValue"].text == "/sources/stream")
        #expect(attributes["ce-time"]["StringValue"].text == "2026-11-28T10:00:00Z")
        #expect(all[1]["MessageAttributes"]["ce-subject"] == .null, "SQS refuses an attribute without a value")
        #expect(all[0]["MessageGroupId"] == .null && all[0]["MessageDeduplicationId"] == .null)
        subscriber.stop()
    }

    @Test func `what the queue refuses of a request fails alone`() throws {
        let answer = """
            {"Successful":[{"Id":"0"}],"Failed":[
            {"Id":"1","SenderFault":false,"Code":"InternalError","Message":"later"},
            {"Id":"2","SenderFault":true,"Code":"InvalidMessageContents","Message":"bad"}]}
            """
        let subscriber = try Subscriber { _, _ in .text(200, answer) }
        let outcomes = try Self.deliver((1...4).map { try BrokerSample.content(["id": "\($0)"]) }, to: subscriber)
        #expect(outcomes.map(\.word) == ["delivered", "broker_unavailable", "refused", "response_malformed"])
        #expect(outcomes.map(\.verdict) == [.delivered, .retry, .final, .retry])
        #expect(outcomes[2].detail == "InvalidMessageContents: bad")
        subscriber.stop()
    }

    @Test func `a FIFO queue gets the partition key as group and the id against repetition`() throws {
        let subscriber = try Subscriber { _, request in .text(200, Self.taken(request)) }
        let long = String(repeating: "x", count: 129)
        let contents = [
            try BrokerSample.content(), try BrokerSample.content(["partitionkey": ""]),
            try BrokerSample.content(["partitionkey": "", "subject": "", "id": long]),
            try BrokerSample.content(["partitionkey": "ä b"]),
        ]
        _ = try Self.deliver(contents, to: subscriber, queue: "events.fifo")
        let entries = try #require(JSONValue.read(subscriber.ledger.all[0].body))["Entries"].elements
        let groups = entries.map { $0["MessageGroupId"].text }
        #expect(groups.prefix(3) == ["call/default:1", "call/default:1", "/sources/stream"])
        #expect(groups[3].hasPrefix("sha256:") && groups[3].utf8.count == 71)
        let ids = entries.map { $0["MessageDeduplicationId"].text }
        #expect(ids[0] == "evt-1" && ids[2].hasPrefix("sha256:") && ids[2].utf8.count == 71)
        subscriber.stop()
    }

    @Test func `an event that no message can hold is told so without a request, and large ones travel alone`() throws {
        let subscriber = try Subscriber { _, request in .text(200, Self.taken(request)) }
        func content(_ bytes: Int) throws -> DeliveryContent {
            try BrokerSample.content(payload: "\"\(String(repeating: "x", count: bytes))\"")
        }
        let outcomes = try Self.deliver([content(1 << 20), content(200_000), content(200_000)], to: subscriber)
        #expect(outcomes.map(\.word) == ["event_too_large", "delivered", "delivered"])
        #expect(outcomes[0].verdict == .tooLarge && outcomes[0].detail.contains("SQS takes 1048576"))
        #expect(subscriber.ledger.all.count == 2)
        subscriber.stop()
    }

    @Test(arguments: [
        (400, "com.amazonaws.sqs#QueueDoesNotExist", "no_such_queue", AttemptOutcome.Verdict.final),
        (403, "com.amazon.coral.service#AccessDeniedException", "access_denied", .final),
        (403, "InvalidSignatureException", "access_denied", .final),
        (400, "com.amazonaws.sqs#RequestThrottled", "throttled", .retry),
        (400, "com.amazonaws.sqs#BatchRequestTooLong", "event_too_large", .tooLarge),
        (400, "com.amazonaws.sqs#UnsupportedOperation", "refused", .final),
        (500, "InternalFailure", "broker_unavailable", .retry),
    ])
    func `an error of the whole request is the outcome of all`(
        _ status: Int, _ type: String, _ word: String, _ verdict: AttemptOutcome.Verdict
    ) {
        let answer = "{\"__type\":\"\(type)\",\"message\":\"The reason.\\n\\nx-amz-security-token:secret\"}"
        let outcomes = SQSDestination.outcomes(
            of: AttemptOutcome(
                verdict: .retry, end: .status, retryAfterSeconds: 7, status: status, answer: Array(answer.utf8)),
            entries: 3)
        #expect(outcomes.count == 3 && Set(outcomes.map(\.word)) == [word])
        #expect(outcomes[0].verdict == verdict && outcomes[0].retryAfterSeconds == 7)
        #expect(outcomes[0].detail.hasSuffix(": The reason."), "what repeats the request is not shown")
        #expect(outcomes[0].answer.isEmpty && outcomes[0].status == nil)
    }

    @Test func `without an answer every delivery has the network's outcome`() {
        let outcomes = SQSDestination.outcomes(of: .failed(.connectFailed, "refused"), entries: 2)
        #expect(outcomes == [.failed(.connectFailed, "refused"), .failed(.connectFailed, "refused")])
        let broken = AttemptOutcome(verdict: .delivered, end: .delivered, status: 200, answer: Array("{\"Succ".utf8))
        #expect(SQSDestination.outcomes(of: broken, entries: 1).map(\.word) == ["response_malformed"])
    }
}
