internal import StageMetrics
internal import Wire
internal import ZeroMQ

/// A DEALER connected to one socket of one other instance. It says hello after every (re)connection, under a new link
/// number, and again until the other side shows that it has heard.
final class ConnectedLink {
    enum Change: Equatable { case none, established, closed }

    let id: Int
    let instance: String
    private(set) var isUp = false
    private(set) var isGreeted = false
    /// Why the other side does not speak with this one.
    private(set) var refusal: String?
    /// The version that the other side has chosen; nil before it has said anything.
    private var version: UInt8?
    private let bootID: UInt64
    private let directory: RunDirectory
    private let role: StageRole
    private let name: RunDirectory.SocketName
    private let context: Context
    private let maxFrameBytes: Int
    private(set) var socket: Socket
    /// Readable when the connection changed: then `refresh` is to be called.
    var news: Socket { monitor.socket }
    private var monitor: Monitor
    private var linkNumber: UInt64 = 0
    /// Whether libzmq gave it up, and when it may be rebuilt: who refuses a key is not asked again and again.
    private var isGivenUp = false
    private var nextRebuild = Int64.min
    private static let rebuildNanoseconds: Int64 = 500_000_000
    private(set) var malformedCount = 0

    init(
        _ context: Context, _ directory: RunDirectory, id: Int, role: StageRole, instance: String,
        name: RunDirectory.SocketName, bootID: UInt64, maxFrameBytes: Int
    ) throws(ZeroMQError) {
        self.id = id
        self.instance = instance
        (self.directory, self.role, self.name) = (directory, role, name)
        self.bootID = bootID
        self.context = context
        self.maxFrameBytes = maxFrameBytes
        (socket, monitor) = try Self.open(context, directory, role, instance, name, maxFrameBytes)
    }

    /// Takes note of what happened to the connection, as part of the housekeeping. A link that libzmq gave up is rebuilt;
    /// then `socket` changes.
    func refresh() throws(ZeroMQError) -> Change {
        var change = Change.none
        while let event = try monitor.next() {
            switch event {
            case .established:
                isUp = true
                isGreeted = false
                (refusal, version) = (nil, nil)
                isGivenUp = false
                linkNumber += 1
                change = .established
            case .closed:
                isUp = false
                change = .closed
            case .handshakeFailed:
                isUp = false
                isGivenUp = true
                change = .closed
            }
        }
        let now = monotonicNanoseconds()
        guard isGivenUp, now >= nextRebuild else { return change }
        isGivenUp = false
        nextRebuild = now + Self.rebuildNanoseconds
        (socket, monitor) = try Self.open(context, directory, role, instance, name, maxFrameBytes)
        return .closed
    }

    /// Says hello if that has not been done on this connection. True once it is said.
    func greet(_ notice: HelloNotice) throws(ZeroMQError) -> Bool {
        if isUp && !isGreeted { isGreeted = try send(.hello, number: linkNumber, { notice.write(to: &$0) }) == .sent }
        return isGreeted
    }

    /// Whether the other side may be told anything but hello.
    var isOpen: Bool { isGreeted && refusal == nil }

    /// Says hello again, for the case that the first one was lost.
    func greetAgain() { isGreeted = false }

    func receive() throws(ZeroMQError) -> Arrival? {
        while let frames = try socket.receive() {
            do throws(WireError) {
                let arrival = try Arrival(frames[...])
                if arrival.header.kind == .refusal {
                    refusal = try arrival.read { bytes throws(WireError) in
                        var reader = ByteReader(bytes)
                        return try reader.text16()
                    }
                    continue
                }
                if WireVersion.known.contains(arrival.header.version) { version = arrival.header.version }
                return arrival
            } catch {
                malformedCount += 1
            }
        }
        return nil
    }

    func send(_ kind: LinkKind, number: UInt64 = 0, count: Int = 0, _ write: (inout ByteWriter) -> Void)
        throws(ZeroMQError) -> SendResult
    {
        var writer = ByteWriter()
        write(&writer)
        // Until it is answered, what a release before could read.
        let header = LinkHeader(
            version: version ?? WireVersion.known.lowerBound, kind: kind, bootID: bootID, number: number, count: count,
            bodyBytes: writer.count)
        return try socket.send([header.frame(), Frame(writer.bytes)])
    }

    private static func open(
        _ context: Context, _ directory: RunDirectory, _ role: StageRole, _ instance: String,
        _ name: RunDirectory.SocketName, _ maxFrameBytes: Int
    ) throws(ZeroMQError) -> (Socket, Monitor) {
        let socket = try context.socket(.dealer, maxFrameBytes: Int64(maxFrameBytes))
        try socket.setHighWaterMarks(1000)
        let monitor = try socket.monitor()
        try directory.topology?.prepareConnection(socket, to: role)
        try socket.connect(directory.endpoint(instance, name))
        return (socket, monitor)
    }
}
