import AWS
import JSON
import Testing

struct SQSTests {
    private static func read(_ request: SQSRequest) throws -> JSONValue {
        try #require(JSONValue.read(request.body))
    }

    @Test func `a batch carries bodies byte for byte, attributes, group and deduplication id`() throws {
        let body = "{\"data\":\"ü \\\" \\\\ \\u0001\"}\n\t"
        var entry = SQSBatch.Entry()
        entry.attributes = [("ce-type", "a.b"), ("ce-source", "/ä")]
        (entry.group, entry.deduplicationID) = ("room-1", "evt_1")
        var batch = SQSBatch(queueURL: "https://sqs.eu-central-1.amazonaws.com/1/q.fifo")
        Array(body.utf8).withUnsafeBytes { batch.append($0, entry) }
        Array("second".utf8).withUnsafeBytes { batch.append($0, SQSBatch.Entry()) }
        #expect(batch.count == 2)
        let request = batch.finish()
        #expect(request.action == "SendMessageBatch")
        let read = try Self.read(request)
        #expect(read["QueueUrl"].text == "https://sqs.eu-central-1.amazonaws.com/1/q.fifo")
        let entries = read["Entries"].elements
        #expect(entries.map { $0["Id"].text } == ["0", "1"])
        #expect(entries.map { $0["MessageBody"].text } == [body, "second"])
        let source = entries[0]["MessageAttributes"]["ce-source"]
        #expect(source["DataType"].text == "String")
        #expect(source["StringValue"].text == "/ä")
        #expect(entries[0]["MessageGroupId"].text == "room-1")
        #expect(entries[0]["MessageDeduplicationId"].text == "evt_1")
        #expect(entries[1]["MessageAttributes"] == .null)
        #expect(SQSBatch.size(bodyBytes: 10, entry) == 10 + 7 + 6 + 3 + 9 + 6 + 3)
    }

    @Test func `a request says what it wants and of whom`() throws {
        let credentials = AWSCredentials(accessKeyID: "AKID", secretAccessKey: [1], sessionToken: "token")
        let request = SQSRequest.receive(from: "q", waitSeconds: 20, visibleAfterSeconds: 60)
        let fields = request.fields(
            host: "localhost:5000", signedBy: SignatureV4(credentials, region: "eu-central-1", service: "sqs"), at: 0)
        let named = Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.value) })
        #expect(named["host"] == "localhost:5000")
        #expect(named["content-type"] == "application/x-amz-json-1.0")
        #expect(named["x-amz-target"] == "AmazonSQS.ReceiveMessage")
        #expect(named["x-amz-security-token"] == "token")
        #expect(
            named["authorization"]?.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKID/19700101/eu-central-1/sqs/aws4_request, "
                    + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=")
                == true)
        let read = try Self.read(request)
        #expect(read["MaxNumberOfMessages"].integer == 10)
        #expect(read["WaitTimeSeconds"].integer == 20)
        #expect(read["VisibilityTimeout"].integer == 60)
        let delete = try Self.read(.delete(["h0", "h1"], from: "q"))
        #expect(delete["Entries"].elements.map { $0["Id"].text + $0["ReceiptHandle"].text } == ["0h0", "1h1"])
    }

    @Test func `received messages are read whole`() throws {
        let answer = """
            {"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":"{\\"a\\":1}","Attributes":{"SentTimestamp":"17"},
            "MessageAttributes":{"t":{"DataType":"String","StringValue":"x"},"b":{"DataType":"Binary","BinaryValue":"AQ=="}}}]}
            """
        let receipt = try #require(try SQSReceipt.all(Array(answer.utf8)).first)
        #expect((receipt.id, receipt.handle, receipt.body) == ("m", "h", "{\"a\":1}"))
        #expect(receipt.attributes == ["t": "x", "b": "AQ=="])
        #expect(receipt.systemAttributes == ["SentTimestamp": "17"])
        #expect(try SQSReceipt.all(Array("{}".utf8)).isEmpty)
        #expect(throws: SQSError.malformed) { try SQSReceipt.all(Array("<html>".utf8)) }
    }

    @Test func `an answer says of each entry what came of it, and what it leaves out was not done`() throws {
        let answer = """
            {"Successful":[{"Id":"0","MessageId":"m"},{"Id":"9"}],
            "Failed":[{"Id":"2","SenderFault":true,"Code":"InvalidMessageContents","Message":"bad"},{"Id":"x"}]}
            """
        let errors = try SQSBatchAnswer(Array(answer.utf8), entries: 3).errors
        #expect(errors[0] == nil)
        #expect(errors[1] == .malformed)
        #expect(errors[2] == SQSError(code: "InvalidMessageContents", sentence: "bad", isSenders: true))
        #expect(errors[2]?.kind == .refused)
        #expect(throws: SQSError.malformed) { try SQSBatchAnswer(Array("{\"Succ".utf8), entries: 1) }
        #expect(throws: SQSError.malformed) { try SQSBatchAnswer(Array("{}".utf8), entries: 1) }
    }

    @Test(arguments: [
        (400, #"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#, "QueueDoesNotExist", "noSuchQueue"),
        (
            403, #"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#,
            "AccessDeniedException",
            "accessDenied"
        ),
        (403, #"{"__type":"SignatureDoesNotMatch","message":"no"}"#, "SignatureDoesNotMatch", "accessDenied"),
        (400, #"{"__type":"com.amazonaws.sqs#RequestThrottled"}"#, "RequestThrottled", "throttled"),
        (400, #"{"__type":"com.amazonaws.sqs#BatchRequestTooLong"}"#, "BatchRequestTooLong", "tooLarge"),
        (
            400, #"{"__type":"com.amazonaws.sqs#UnsupportedOperation:http://internal/"}"#, "UnsupportedOperation",
            "refused"
        ),
        (503, #"{"__type":"ServiceUnavailable"}"#, "ServiceUnavailable", "unavailable"),
        (502, "<html>", "status 502", "unavailable"), (413, "", "status 413", "tooLarge"),
        (429, "", "status 429", "throttled"), (401, "", "status 401", "accessDenied"),
    ])
    func `an error of SQS is told by its word, that of a proxy by its status`(
        _ status: Int, _ body: String, _ code: String, _ kind: String
    ) {
        let error = SQSError(status: status, body: Array(body.utf8))
        #expect(error.code == code)
        #expect("\(error.kind)" == kind)
    }
}
