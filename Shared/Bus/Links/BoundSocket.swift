internal import Wire
internal import ZeroMQ

/// A ROUTER that this instance binds: `<instance>.out`, where workers ask for batches, or an ingress' `<instance>.control`.
/// Peers are known by small numbers that are never used twice.
final class BoundSocket {
    let socket: Socket
    /// Readable when a connection came or went: then `findGone` is to be asked.
    var news: Socket { monitor.socket }
    private let monitor: Monitor
    private let instance: String
    private let bootID: UInt64
    private var peers: [[UInt8]: Int] = [:]
    private var routingIDs: [Int: [UInt8]] = [:]
    /// What is spoken with each that has said hello, and why some are not spoken with.
    private var versions: [Int: UInt8] = [:]
    private var refused: [Int: String] = [:]
    private var nextPeer = 1
    private var probesLeft = 0
    private(set) var malformedCount = 0
    /// Whether what is said must be for the role to say whose key was proven.
    private let provesRoles: Bool
    /// Whether a link may fail although both its ends live.
    private let isRemote: Bool

    init(
        _ context: Context, _ directory: RunDirectory, of instance: String, _ name: RunDirectory.SocketName,
        bootID: UInt64, maxFrameBytes: Int
    ) throws(ZeroMQError) {
        (self.instance, self.bootID) = (instance, bootID)
        provesRoles = directory.topology?.keys != nil
        isRemote = directory.topology != nil
        socket = try context.socket(.router, maxFrameBytes: Int64(maxFrameBytes))
        try socket.setHighWaterMarks(1000)
        monitor = try socket.monitor()
        try directory.topology?.prepareListener(socket, name)
        try socket.bind(directory.listeningEndpoint(instance, name))
    }

    /// The next well-formed transmission and who sent it; nil when there is none now. Whoever has no version in common is
    /// told so and not heard.
    func receive() throws(ZeroMQError) -> (peer: Int, arrival: Arrival)? {
        while let frames = try socket.receive() {
            guard let id = frames.first?.copy else { continue }
            let (peer, arrival): (Int, Arrival)
            let hello: HelloNotice?
            do throws(WireError) {
                arrival = try Arrival(frames.dropFirst())
                if provesRoles, try !arrival.isPermitted { throw .unknownKind }
                hello = arrival.header.kind == .hello ? try arrival.read(HelloNotice.init) : nil
                peer = self.peer(id)
            } catch {
                malformedCount += 1
                continue
            }
            if let hello { try negotiate(hello, with: peer) }
            if refused[peer] == nil { return (peer, arrival) }
        }
        return nil
    }

    /// Answers the first hello of a peer, so that it hears which version is spoken, and each that is refused.
    private func negotiate(_ hello: HelloNotice, with peer: Int) throws(ZeroMQError) {
        guard let version = WireVersion.negotiated(hello.versions) else {
            let reason = WireVersion.conflict(of: hello.instance, hello.versions, with: instance)
            refused[peer] = reason
            _ = try send(.refusal, to: peer) { $0.text16(reason) }
            return
        }
        if versions.updateValue(version, forKey: peer) == nil { _ = try send(.ping, body: Frame(), to: peer) }
    }

    /// Why some are refused.
    var refusals: [String] { Array(refused.values) }

    /// Which process a hello came from; nil where its link ends with it alone.
    func life(_ hello: HelloNotice, _ header: LinkHeader) -> WorkerLife? {
        isRemote ? WorkerLife(instance: hello.instance, bootID: header.bootID) : nil
    }

    /// Sends header and body to one peer. `.unreachable` means that the peer is gone.
    func send(_ kind: LinkKind, number: UInt64 = 0, count: Int = 0, body: Frame, to peer: Int) throws(ZeroMQError)
        -> SendResult
    {
        guard let id = routingIDs[peer] else { return .unreachable }
        let header = LinkHeader(
            version: versions[peer] ?? WireVersion.ofGreetings, kind: kind, bootID: bootID, number: number,
            count: count, bodyBytes: body.byteCount)
        return try socket.send([Frame(id), header.frame(), body])
    }

    /// Sends a notice that `write` writes.
    func send(_ kind: LinkKind, number: UInt64 = 0, count: Int = 0, to peer: Int, _ write: (inout ByteWriter) -> Void)
        throws(ZeroMQError) -> SendResult
    {
        var writer = ByteWriter()
        write(&writer)
        return try send(kind, number: number, count: count, body: Frame(writer.bytes), to: peer)
    }

    /// The peers that are gone; asked as part of the housekeeping. libzmq tells that a connection closed but not whose it
    /// was, so every peer is pinged: for a peer that is gone the send fails. The news of the closing can outrun the closing
    /// itself, hence several rounds.
    func findGone(lastSent: (Int) -> UInt64) throws(ZeroMQError) -> [Int] {
        while let event = try monitor.next() {
            if event != .established { probesLeft = 10 }
        }
        guard probesLeft > 0 else { return [] }
        probesLeft -= 1
        var gone: [Int] = []
        for peer in routingIDs.keys.sorted() {
            if try send(.ping, number: lastSent(peer), body: Frame(), to: peer) == .unreachable { gone.append(peer) }
        }
        for peer in gone { forget(peer) }
        return gone
    }

    /// Whether a closed connection still has to be matched to its peer: then turns follow quickly.
    var isProbing: Bool { probesLeft > 0 }

    /// Asks for a round of pings, as is done now and then while idle.
    func probe() { probesLeft = max(probesLeft, 1) }

    func forget(_ peer: Int) {
        if let id = routingIDs.removeValue(forKey: peer) { peers[id] = nil }
        versions[peer] = nil
        refused[peer] = nil
    }

    private func peer(_ id: [UInt8]) -> Int {
        if let known = peers[id] { return known }
        defer { nextPeer += 1 }
        peers[id] = nextPeer
        routingIDs[nextPeer] = id
        return nextPeer
    }
}
