internal import Wire
internal import ZeroMQ

/// The instance's tap: every batch that it passes on, published by reference. Nobody listening costs one compare per batch;
/// a slow listener loses batches, never the pipeline time.
///
/// A tap transmission has three frames: a link header of kind `tap`, whose number counts the records published before it
/// (so that a listener sees how many it missed); who taps, in the form of a hello; and the batch.
final class TapPublisher {
    let socket: Socket
    private let identity: [UInt8]
    private let bootID: UInt64
    private var listeners = 0
    private var published: UInt64 = 0

    /// Transmissions queued per listener before it loses some.
    private static let queueDepth: Int32 = 512

    init(_ context: Context, endpoint: String, role: StageRole, instance: String, bootID: UInt64) throws(ZeroMQError) {
        self.bootID = bootID
        var writer = ByteWriter()
        HelloNotice(role: role, instance: instance).write(to: &writer)
        identity = writer.bytes
        socket = try context.socket(.publisher)
        try socket.setHighWaterMarks(Self.queueDepth)
        try socket.bind(endpoint)
    }

    var hasListeners: Bool { listeners > 0 }

    /// Takes note of listeners that came and went: their first byte is 1 or 0 (zmq_socket(3), ZMQ_XPUB).
    func refresh() throws(ZeroMQError) {
        while let frames = try socket.receive() {
            guard let first = frames.first?.withBytes({ $0.first }) else { continue }
            listeners = max(0, listeners + (first == 1 ? 1 : -1))
        }
    }

    /// Publishes a batch; `body` is shared, not copied.
    func publish(_ body: Frame, records: Int) throws(ZeroMQError) {
        guard listeners > 0 else { return }
        let header = LinkHeader(
            kind: .tap, bootID: bootID, number: published, count: records, bodyBytes: body.byteCount)
        published += UInt64(records)
        _ = try socket.send([header.frame(), Frame(identity), body.sharing()])
    }
}
