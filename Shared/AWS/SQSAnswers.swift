import JSON

/// What `ReceiveMessage` gave of one message.
package struct SQSReceipt: Sendable {
    /// The message's id, the same whenever it is received.
    package let id: String
    /// By what this one receipt is deleted.
    package let handle: String
    package let body: String
    /// Attributes of its sender: text, number, or base64 of bytes.
    package let attributes: [String: String]
    /// Of the queue, such as `SentTimestamp` (milliseconds since 1970), `ApproximateReceiveCount`, `MessageGroupId`.
    package let systemAttributes: [String: String]

    /// Those of an answer. Throws where it is none.
    package static func all(_ body: [UInt8]) throws(SQSError) -> [SQSReceipt] {
        guard let answer = JSONValue.read(body) else { throw .malformed }
        return answer["Messages"].elements.map { each in
            SQSReceipt(
                id: each["MessageId"].text, handle: each["ReceiptHandle"].text, body: each["Body"].text,
                attributes: members(each["MessageAttributes"]) { value in
                    value["StringValue"] == .null ? value["BinaryValue"].text : value["StringValue"].text
                }, systemAttributes: members(each["Attributes"], \.text))
        }
    }

    private static func members(_ value: JSONValue, _ text: (JSONValue) -> String) -> [String: String] {
        guard case .object(let members) = value else { return [:] }
        return Dictionary(members.map { ($0.name, text($0.value)) }) { first, _ in first }
    }
}

/// What a batch came to, entry by entry.
package struct SQSBatchAnswer: Sendable {
    /// By the number of the entry; nil: it was done.
    package let errors: [SQSError?]

    /// Reads the answer to a batch of that many entries. An entry of which it says nothing was not done. Throws where it
    /// is none.
    package init(_ body: [UInt8], entries: Int) throws(SQSError) {
        guard let answer = JSONValue.read(body), answer["Successful"] != .null || answer["Failed"] != .null else {
            throw .malformed
        }
        var errors = [SQSError?](repeating: .malformed, count: entries)
        for each in answer["Successful"].elements {
            if let number = Int(each["Id"].text), errors.indices.contains(number) { errors[number] = nil }
        }
        for each in answer["Failed"].elements {
            guard let number = Int(each["Id"].text), errors.indices.contains(number) else { continue }
            errors[number] = SQSError(
                code: each["Code"].text, sentence: each["Message"].text, isSenders: each["SenderFault"] == .bool(true))
        }
        self.errors = errors
    }
}

/// What SQS says is wrong.
package struct SQSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// In the words of SQS, such as `QueueDoesNotExist`.
    package let code: String
    /// What SQS says of it; may be empty. One line: of a signature that is wrong, the next ones repeat the request's fields,
    /// the session token among them.
    package let sentence: String
    /// Whether the same request would come to the same.
    package let isSenders: Bool

    package init(code: String, sentence: String, isSenders: Bool) {
        self.code = code
        self.sentence = String(sentence.prefix { !$0.isNewline }.prefix(Self.mostSentence))
        self.isSenders = isSenders
    }

    private static let mostSentence = 500

    /// An answer with another status than 200. `__type` has a name space before `#` and may have a URL behind `:`; where the
    /// body is no answer of SQS, but that of a proxy, the code is `status 502`.
    package init(status: Int, body: [UInt8]) {
        let answer = JSONValue.read(body) ?? .null
        let type = answer["__type"].text.split(separator: "#").last?.prefix { $0 != ":" } ?? ""
        let sentence = answer["message"] == .null ? answer["Message"].text : answer["message"].text
        self.init(
            code: type.isEmpty ? "status \(status)" : String(type), sentence: sentence,
            isSenders: (400..<500).contains(status))
    }

    /// An answer that is not JSON as it should be, or broke off.
    package static let malformed = SQSError(
        code: "malformed", sentence: "the answer is not one of SQS", isSenders: false)

    package var description: String { sentence.isEmpty ? code : "\(code): \(sentence)" }
}

extension SQSError {
    /// What follows from an error, whatever word SQS has for it.
    package enum Kind: Sendable {
        /// There are too many requests; later they are taken.
        case throttled
        /// The credentials are wrong, have ended, or may not do this.
        case accessDenied
        case noSuchQueue
        case tooLarge
        /// The request itself is wrong.
        case refused
        /// SQS has troubles of its own.
        case unavailable
    }

    package var kind: Kind {
        switch code {
        case "RequestThrottled", "ThrottlingException", "Throttling", "KmsThrottled", "KMS.ThrottlingException",
            "TooManyRequestsException", "OverLimit", "SlowDown", "status 429":
            .throttled
        case "AccessDenied", "AccessDeniedException", "AuthFailure", "ExpiredToken", "ExpiredTokenException",
            "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSecurity",
            "KmsAccessDenied", "KMS.AccessDeniedException", "MissingAuthenticationToken",
            "MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired", "RequestExpired",
            "SignatureDoesNotMatch", "UnrecognizedClientException", "InvalidSignatureException", "status 401",
            "status 403":
            .accessDenied
        case "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "QueueDeletedRecently", "InvalidAddress":
            .noSuchQueue
        case "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", "status 413": .tooLarge
        // The queue's own limit has no code of its own.
        case "InvalidParameterValue" where sentence.contains("must be shorter than"): .tooLarge
        default: isSenders ? .refused : .unavailable
        }
    }
}
