import NIOCore

/// One request, ready to be written: the head down to the empty line, and the body.
struct OutboundRequest {
    var head: ByteBuffer
    var body: ByteBuffer
    var timeoutNanoseconds: Int64
}
