import NIOCore

/// The seam between lanes and the network: sends one prepared request and says what came of it.
///
/// Confined to one event loop. `completion` runs exactly once, on that loop, never before `send` returns.
protocol HTTPTransport: AnyObject {
    /// What an attempt came to, and the first KiB of the answer's body; empty where there was none.
    typealias Completion = (AttemptOutcome, _ answer: [UInt8]) -> Void

    func send(_ request: OutboundRequest, completion: @escaping Completion)

    /// Closes idle connections now and the others when their request is over.
    func close()
}

/// One request, ready to be written: the head down to the empty line, and the body.
struct OutboundRequest {
    var head: ByteBuffer
    var body: ByteBuffer
    var timeoutNanoseconds: Int64
}
