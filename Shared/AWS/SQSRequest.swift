import JSON
import Primitives

/// A request to Amazon SQS in AWS' JSON protocol 1.0: a `POST` to `/` whose field `x-amz-target` names the action (facts of
/// names, limits and errors: the service's model `sqs/2012-11-05/service-2.json`, as botocore 1.44 has it).
package struct SQSRequest: Sendable {
    /// Most entries of one request, to send or to delete.
    package static let mostEntries = 10
    /// What the messages of one request may have together, and one of them alone; attributes count. 256 KiB until August
    /// 2025.
    package static let mostBytes = 1 << 20
    /// Longest time for which `receive` waits where there is nothing: seconds.
    package static let longestWaitSeconds = 20

    package let action: String
    package let body: [UInt8]

    /// Asks for up to ten messages. Waits for the first one that long; later ones are not waited for. Whoever got a message
    /// has it for himself for `visibleAfterSeconds`; nil: as the queue has it.
    package static func receive(
        from queueURL: String, most: Int = mostEntries, waitSeconds: Int, visibleAfterSeconds: Int? = nil
    ) -> SQSRequest {
        let all = JSONText.array([.string("All")])
        var members: [(String, JSONText)] = [
            ("QueueUrl", .string(queueURL)), ("MaxNumberOfMessages", .number(most)),
            ("WaitTimeSeconds", .number(waitSeconds)), ("MessageSystemAttributeNames", all),
            ("MessageAttributeNames", all),
        ]
        if let visibleAfterSeconds { members.append(("VisibilityTimeout", .number(visibleAfterSeconds))) }
        return SQSRequest(action: "ReceiveMessage", body: JSONText.object(members).bytes)
    }

    /// Deletes up to ten messages by what their receipts say; the n-th has the id n in the answer.
    package static func delete(_ handles: [String], from queueURL: String) -> SQSRequest {
        precondition(handles.count <= mostEntries, "SQS takes ten entries in a request")
        let entries = handles.enumerated().map {
            JSONText.object(["Id": .string("\($0.offset)"), "ReceiptHandle": .string($0.element)])
        }
        return SQSRequest(
            action: "DeleteMessageBatch",
            body: JSONText.object(["QueueUrl": .string(queueURL), "Entries": .array(entries)]).bytes)
    }

    /// Its header fields, signed for `host`. `seconds`: now, since 1970.
    package func fields(
        host: String, signedBy signature: SignatureV4, at seconds: Int64
    ) -> [(name: String, value: String)] {
        let fields = [
            (name: "host", value: host), ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "AmazonSQS.\(action)"),
        ]
        return body.withUnsafeBytes { signature.signed(fields, payload: $0, at: seconds) }
    }
}

/// Puts a request together that sends up to ten messages; the n-th has the id n in the answer.
package struct SQSBatch {
    /// A message without its body.
    package struct Entry {
        package var attributes: [(name: String, value: String)] = []
        /// Only queues with the name `….fifo` know it.
        package var group: String?
        package var deduplicationID: String?

        package init() {}
    }

    package private(set) var count = 0
    private var request: [UInt8]

    package init(queueURL: String) {
        request = Array("{\"QueueUrl\":\(JSONText.string(queueURL)),\"Entries\":[".utf8)
    }

    /// What a message counts: its body, and of each attribute the name, the type `String` and the value.
    package static func size(bodyBytes: Int, _ entry: Entry) -> Int {
        entry.attributes.reduce(bodyBytes) { $0 + $1.name.utf8.count + "String".utf8.count + $1.value.utf8.count }
    }

    /// `body`: UTF-8. SQS refuses a body or a value that is empty.
    package mutating func append(_ body: UnsafeRawBufferPointer, _ entry: Entry) {
        precondition(count < SQSRequest.mostEntries, "SQS takes ten entries in a request")
        request.reserveCapacity(request.count + body.count * 5 / 4 + 1024)
        raw(count > 0 ? ",{\"Id\":\"\(count)\",\"MessageBody\":\"" : "{\"Id\":\"\(count)\",\"MessageBody\":\"")
        JSONString.append(body, to: &request)
        raw("\"")
        if !entry.attributes.isEmpty {
            let attributes = entry.attributes.map { name, value in
                (name, JSONText.object(["DataType": .string("String"), "StringValue": .string(value)]))
            }
            raw(",\"MessageAttributes\":\(JSONText.object(attributes))")
        }
        if let group = entry.group { raw(",\"MessageGroupId\":\(JSONText.string(group))") }
        if let id = entry.deduplicationID { raw(",\"MessageDeduplicationId\":\(JSONText.string(id))") }
        raw("}")
        count += 1
    }

    package consuming func finish() -> SQSRequest {
        raw("]}")
        return SQSRequest(action: "SendMessageBatch", body: request)
    }

    private mutating func raw(_ text: String) { request.append(contentsOf: text.utf8) }
}
