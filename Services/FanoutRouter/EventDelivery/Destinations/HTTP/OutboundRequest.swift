import NIOCore

/// One request, as bytes, and how its answer is read.
struct OutboundRequest {
    /// A body up to here is written behind the head in one piece.
    static let joinedBodyBytes = 32 * 1024

    private let head: ByteBuffer
    private let body: ByteBuffer
    var timeoutNanoseconds: Int64
    /// What is kept of the response's body: by default as much as people want who ask why a subscriber refused.
    var answerBytes = 1024
    /// How long the rest of a response is waited for once its head is here, which says all that counts; 0: as long as for
    /// the head.
    var restNanoseconds: Int64 = 1_000_000_000

    /// `writeHead` writes the head, to its empty line.
    init(body: EventBody, timeoutNanoseconds: Int64, writeHead: (inout ByteBuffer) -> Void) {
        let bodyBytes = body.count
        let isJoined = bodyBytes <= Self.joinedBodyBytes
        var head = ByteBufferAllocator().buffer(capacity: 768 + (isJoined ? bodyBytes : 0))
        writeHead(&head)
        if isJoined { body.write(to: &head) }
        self.head = head
        self.body = isJoined ? ByteBuffer() : body.buffer
        self.timeoutNanoseconds = timeoutNanoseconds
    }

    /// Hands over what is to be written, in its order; returns what `write` returned of the last.
    func write<Written>(_ write: (ByteBuffer) -> Written) -> Written {
        let written = write(head)
        return body.readableBytes > 0 ? write(body) : written
    }
}
