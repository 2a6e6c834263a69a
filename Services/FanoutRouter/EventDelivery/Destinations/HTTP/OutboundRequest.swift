import NIOCore

/// One request, ready to be written: the head down to the empty line, and the body.
struct OutboundRequest {
    var head: ByteBuffer
    var body: ByteBuffer
    var timeoutNanoseconds: Int64
    /// What is kept of the response's body: by default as much as people want who ask why a subscriber refused.
    var answerBytes = 1024
}
