import NIOCore

/// The seam between lanes and the network: sends one prepared request and says what came of it.
///
/// Confined to one event loop. `completion` runs exactly once, on that loop, never before `send` returns.
protocol HTTPTransport: AnyObject {
    func send(_ request: OutboundRequest, completion: @escaping (AttemptOutcome) -> Void)

    /// Closes idle connections now and the others when their request is over.
    func close()
}

/// One request, ready to be written: the head down to the empty line, and the body.
struct OutboundRequest {
    var head: ByteBuffer
    var body: ByteBuffer
    var timeoutNanoseconds: Int64
}
