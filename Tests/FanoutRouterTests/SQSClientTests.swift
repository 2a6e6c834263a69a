import AWS
import JSON
import NIOHTTP1
import SQSClient
import Testing

/// The client of who receives from a queue, against a server that answers as the test says.
@Suite(.serialized) struct SQSClientTests {
    private func client(_ subscriber: Subscriber) throws -> SQSClient {
        let credentials = AWSCredentials(accessKeyID: "AKID", secretAccessKey: Array("secret".utf8))
        return try SQSClient(
            queueURL: "https://sqs.eu-west-1.amazonaws.com/1/q", origin: "http://127.0.0.1:\(subscriber.port)",
            host: "127.0.0.1:\(subscriber.port)",
            signature: SignatureV4(credentials, region: "eu-west-1", service: "sqs"), clock: { 1_700_000_000 })
    }

    @Test func `messages are received and deleted, each with its own result`() async throws {
        let subscriber = try Subscriber { number, _ in
            number == 1
                ? .text(200, #"{"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":"b"}]}"#)
                : .text(
                    200,
                    #"{"Successful":[{"Id":"0"}],"Failed":[{"Id":"1","Code":"ReceiptHandleIsInvalid","SenderFault":true}]}"#
                )
        }
        let client = try client(subscriber)
        #expect(try await client.receive(waitSeconds: 1).map(\.handle) == ["h"])
        let results = try await client.delete(["h", "old"])
        #expect(results[0] == nil && results[1]?.code == "ReceiptHandleIsInvalid")
        let requests = subscriber.ledger.all
        #expect(
            requests.map { $0.header("x-amz-target") } == ["AmazonSQS.ReceiveMessage", "AmazonSQS.DeleteMessageBatch"])
        #expect(requests.allSatisfy { $0.head.headers["host"] == ["127.0.0.1:\(subscriber.port)"] })
        #expect(requests[0].header("content-type") == "application/x-amz-json-1.0")
        #expect(JSONValue.read(requests[0].body)?["WaitTimeSeconds"].integer == 1)
        // A connection is free again a moment after its answer is read, so that a busy client may open a second one.
        for _ in 0..<8 { _ = try await client.delete(["h", "old"]) }
        #expect(subscriber.ledger.connectionCount <= 3, "of ten requests")
        subscriber.stop()
    }

    @Test func `what the queue says is an error of its own, and no answer is one too`() async throws {
        let subscriber = try Subscriber { number, _ in
            switch number {
            case 1: .text(400, #"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#)
            case 2: .text(200, "<html>")
            case 3: .close
            default: .silence
            }
        }
        let client = try client(subscriber)
        for code in ["QueueDoesNotExist", "malformed", "no_answer"] {
            let error = await #expect(throws: SQSError.self) { try await client.receive() }
            #expect(error?.code == code)
        }
        let waiting = Task { try await client.receive() }
        _ = try await subscriber.wait(for: 4)
        waiting.cancel()
        let error = await #expect(throws: SQSError.self) { try await waiting.value }
        #expect(error?.code == "no_answer" && error?.isSenders == false)
        subscriber.stop()
    }
}
