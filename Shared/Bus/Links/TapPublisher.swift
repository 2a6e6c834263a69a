internal import StageMetrics
internal import Wire
internal import ZeroMQ

/// The instance's tap: every batch that it passes on, published by reference. Nobody listening costs one compare per batch;
/// a slow listener loses batches, never the pipeline time.
///
/// A tap transmission has three frames: a link header of kind `tap`, whose number counts the records published before it
/// (so that a listener sees how many it missed); who taps and when (`TapNotice`); and the batch.
///
/// What costs is less the bytes than waking libzmq's thread and the listener. So batches wait until the oldest is 50 ms old
/// (the housekeeping looks every 10 ms while records move), and go out together.
final class TapPublisher {
    let socket: Socket
    private let hello: HelloNotice
    private let bootID: UInt64
    private var listeners = 0
    private var published: UInt64 = 0
    private var waiting: [[Frame]] = []
    private var waitingBytes = 0
    /// By the monotonic clock.
    private var nextFlush: Int64 = 0

    /// Transmissions queued per listener before it loses some.
    private static let queueDepth: Int32 = 256
    private static let flushNanoseconds: Int64 = 50_000_000
    /// What waits at most: more than that a socket's buffer does not take at once either.
    private static let mostWaitingBytes = 128 << 10

    init(_ context: Context, endpoint: String, role: StageRole, instance: String, bootID: UInt64) throws(ZeroMQError) {
        self.bootID = bootID
        hello = HelloNotice(role: role, instance: instance)
        socket = try context.socket(.publisher)
        try socket.setHighWaterMarks(Self.queueDepth)
        try socket.bind(endpoint)
    }

    var hasListeners: Bool { listeners > 0 }

    /// Part of the housekeeping: sends what waits, and takes note of listeners that came and went. Their first byte is 1 or
    /// 0 (zmq_socket(3), ZMQ_XPUB). `isLeaving`: nothing waits any longer.
    func refresh(isLeaving: Bool = false) throws(ZeroMQError) {
        if !waiting.isEmpty, isLeaving || monotonicNanoseconds() >= nextFlush { try flush() }
        while let frames = try socket.receive() {
            guard let first = frames.first?.withBytes({ $0.first }) else { continue }
            listeners = max(0, listeners + (first == 1 ? 1 : -1))
        }
    }

    /// Publishes a batch soon; `body` is not copied.
    func publish(_ body: Frame, records: Int) throws(ZeroMQError) {
        guard listeners > 0 else { return }
        let header = LinkHeader(
            kind: .tap, bootID: bootID, number: published, count: records, bodyBytes: body.byteCount)
        published += UInt64(records)
        if waiting.isEmpty { nextFlush = monotonicNanoseconds() + Self.flushNanoseconds }
        var notice = ByteWriter()
        TapNotice(hello, passedNanoseconds: wallNanoseconds()).write(to: &notice)
        waiting.append([header.frame(), Frame(notice.bytes), body])
        waitingBytes += body.byteCount
        if waitingBytes >= Self.mostWaitingBytes { try flush() }
    }

    private func flush() throws(ZeroMQError) {
        for frames in waiting { _ = try socket.send(frames) }
        waiting.removeAll(keepingCapacity: true)
        waitingBytes = 0
    }
}
