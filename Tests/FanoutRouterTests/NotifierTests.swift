import EventLog
import JSON
import LogSamples
import Logging
import NIOCore
import NIOEmbedded
import Primitives
import StageMetrics
import Testing
import WebSocket

@testable import ControlAPI
@testable import EventDelivery
@testable import PipelineConfiguration

/// What clients of a Fishjam server get from the router: decisions byte by byte, connections over the real log in a time
/// that the test makes.
@Suite struct NotifierTests {
    static let roomCreated = ProtobufFields.field(10, ProtobufFields.field(1, Array("room".utf8)))
    static let metricsReport = ProtobufFields.field(12, ProtobufFields.field(1, Array("{}".utf8)))
    static let serverRequest: [UInt8] = [0x42, 0x02, 0x08, 0x01]
    static let metricsRequest: [UInt8] = [0x42, 0x02, 0x08, 0x02]
    static let serverResponse: [UInt8] = [0x4A, 0x02, 0x08, 0x01]
    static let metricsResponse: [UInt8] = [0x4A, 0x02, 0x08, 0x02]

    static func request(token: String) -> [UInt8] {
        ProtobufFields.field(7, ProtobufFields.field(1, Array(token.utf8)))
    }

    // MARK: Decisions

    @Test func `the handshake is byte for byte that of Fishjam's servers`() {
        var session = NotifierSession()
        let request = [0x3A, 0x0D, 0x0A, 0x0B] + Array("development".utf8)
        #expect(session.receive(.binary(ByteBuffer(bytes: request))) == .authenticate(token: "development"))
        #expect(NotifierSession.authenticatedMessage == [0x32, 0x00])
        session.authenticated()
        #expect(session.receive(.binary(ByteBuffer(bytes: Self.serverRequest))) == .subscribe(.serverNotification))
        #expect(session.receive(.binary(ByteBuffer(bytes: Self.metricsRequest))) == .subscribe(.metrics))
        #expect(NotifierSession.response(.serverNotification) == Self.serverResponse)
        #expect(NotifierSession.response(.metrics) == Self.metricsResponse)
        #expect(NotifierSession.report([0x7B, 0x7D]) == [0x62, 0x04, 0x0A, 0x02, 0x7B, 0x7D])
    }

    @Test(
        arguments: [[], [0x00], [0x42, 0x02, 0x08, 0x01], [0x3A, 0x0D, 0x0A], [0x32, 0x00], [0x0A, 0x00]] as [[UInt8]])
    func `a first message that is no auth request ends the connection`(_ bytes: [UInt8]) {
        #expect(
            NotifierSession().receive(.binary(ByteBuffer(bytes: bytes))) == .close(.normal, "invalid auth request"))
    }

    @Test func `an auth request without a token brings an empty one, and unknown fields are passed over`() {
        let session = NotifierSession()
        #expect(session.receive(.binary(ByteBuffer(bytes: [0x3A, 0x00]))) == .authenticate(token: ""))
        let later = ProtobufFields.field(99, 7) + Self.request(token: "a")
        #expect(session.receive(.binary(ByteBuffer(bytes: later))) == .authenticate(token: "a"))
    }

    @Test func `all but subscriptions to what there is, and every text, is not allowed`() {
        var session = NotifierSession()
        let refused = NotifierSession.Action.close(.unsupportedData, "operation not allowed")
        #expect(session.receive(.text(ByteBuffer(string: "{}"))) == refused)
        session.authenticated()
        let wrong = [
            [0x42, 0x02, 0x08, 0x00], [0x42, 0x02, 0x08, 0x03], [0x42, 0x00], Self.request(token: "a"), [0x32, 0],
        ]
        for bytes in wrong + [[], [0x42, 0x02, 0x08], Self.roomCreated] as [[UInt8]] {
            #expect(session.receive(.binary(ByteBuffer(bytes: bytes))) == refused, "\(bytes)")
        }
    }

    @Test func `what servers do not send to their subscribers is left out`() {
        func kind(_ bytes: [UInt8]) -> NotifierSession.Class? { bytes.withUnsafeBytes { NotifierSession.kind(of: $0) } }
        for number in [1, 2, 5, 10, 11, 13, 21, 24, 32, 34, 1000] {
            #expect(kind(ProtobufFields.field(number, [])) == .serverNotification, "\(number)")
        }
        for number in [6, 7, 8, 9, 33] { #expect(kind(ProtobufFields.field(number, [])) == nil, "\(number)") }
        #expect(kind(Self.metricsReport) == .metrics)
        // Decoders take the last variant of several.
        #expect(kind(Self.roomCreated + Self.request(token: "")) == nil)
        for bytes in [[], [0x0A], Array(Self.roomCreated.dropLast()), ProtobufFields.field(10, 1)] as [[UInt8]] {
            #expect(kind(bytes) == nil)
        }
    }

    @Test func `a report names instances with their metrics, histograms by sum and count, and has a limit`() throws {
        func metric(_ name: String, _ samples: [([(String, String)], String)]) -> MetricReading {
            MetricReading(
                name: name, kind: "gauge", help: "",
                samples: samples.map { MetricReading.Sample(name: name, labels: $0.0, value: $0.1) })
        }
        let metrics = [
            metric("depth", [([("queue", "a\"b")], "12"), ([("queue", "c")], "0.5"), ([], "NaN")]),
            metric("seconds_bucket", [([("le", "0.1")], "3")]), metric("seconds_sum", [([], "7")]),
        ]
        let report = PipelineReports.json([("router-0", metrics), ("verifier-0", [])])
        #expect(
            String(decoding: report, as: UTF8.self)
                == #"{"instance=router-0":{"depth{queue=\"a\\\"b\"}":12,"depth{queue=\"c\"}":0.5,"seconds_sum{}":7},"#
                + #""instance=verifier-0":{}}"#)
        let many = metric("m", (0..<60_000).map { ([("subscription", "number-\($0)")], "1") })
        let long = PipelineReports.json([("router-0", [many])])
        #expect(long.count <= PipelineReports.mostBytes && JSONValue.read(long) != nil)
    }

    // MARK: Connections

    @Test func `a wrong token ends the connection as Fishjam's clients expect it, and so does none in time`() throws {
        let fixture = try NotifierFixture()
        let wrong = try fixture.connect()
        wrong.send(Self.request(token: "wrong"))
        #expect(wrong.sent.isEmpty && wrong.closed == "1000 invalid token")
        let silent = try fixture.connect()
        fixture.loop.advanceTime(by: WatchingConnection.tokenDeadline)
        #expect(silent.closed == "1000 invalid auth request")
        let right = try fixture.connect()
        right.send(Self.request(token: "right"))
        fixture.loop.advanceTime(by: .hours(1))
        #expect(right.sent == [NotifierSession.authenticatedMessage] && right.closed == nil)
    }

    @Test func `nothing is sent between the answers to both subscriptions, and nothing of that time is missed`() throws
    {
        let fixture = try NotifierFixture()
        let client = try fixture.connect(authenticated: true)
        try fixture.receive([Self.roomCreated])
        client.send(Self.serverRequest)
        try fixture.receive([Self.roomCreated + Self.roomCreated])
        fixture.loop.advanceTime(by: NotifierConnection.settleTime - .milliseconds(1))
        #expect(client.sent == [Self.serverResponse])
        client.send(Self.metricsRequest)
        fixture.loop.run()
        let report = NotifierSession.report(Array("{}".utf8))
        #expect(client.sent == [Self.metricsResponse, Self.roomCreated + Self.roomCreated, report])
        fixture.loop.advanceTime(by: PipelineReports.interval)
        #expect(client.sent == [report])
    }

    @Test func `who subscribes to one class gets that one, in order, once it is clear that no other follows`() throws {
        let fixture = try NotifierFixture()
        let notified = try fixture.connect(authenticated: true)
        let measuring = try fixture.connect(authenticated: true)
        let unsubscribed = try fixture.connect(authenticated: true)
        notified.send(Self.serverRequest)
        notified.send(Self.serverRequest)
        measuring.send(Self.metricsRequest)
        fixture.loop.advanceTime(by: NotifierConnection.settleTime)
        #expect(notified.sent == [Self.serverResponse, Self.serverResponse])
        let report = NotifierSession.report(Array("{}".utf8))
        #expect(measuring.sent == [Self.metricsResponse, report])
        let roomDeleted = ProtobufFields.field(11, [])
        try fixture.receive([Self.roomCreated, Self.metricsReport, Self.request(token: ""), roomDeleted])
        try fixture.receive([Self.roomCreated], provider: "stream")
        #expect(notified.sent == [Self.roomCreated, roomDeleted])
        #expect(measuring.sent == [Self.metricsReport])
        #expect(unsubscribed.sent.isEmpty)
        try notified.channel.close().wait()
        try measuring.channel.close().wait()
        try fixture.receive([Self.roomCreated])
        fixture.loop.advanceTime(by: .hours(1))
        #expect(notified.sent.isEmpty && measuring.sent.isEmpty && fixture.reports == 1)
    }

    @Test func `events that came as something else than Fishjam's protobuf are left out`() throws {
        let fixture = try NotifierFixture()
        let client = try fixture.connect(authenticated: true)
        client.send(Self.serverRequest)
        fixture.loop.advanceTime(by: NotifierConnection.settleTime)
        try fixture.receive([nil, Self.roomCreated])
        #expect(client.sent == [Self.serverResponse, Self.roomCreated])
    }

    @Test func `the path is served below any prefix, and no other path is`() throws {
        let operation = APIOperation(
            "notify", .get, "/socket/server/websocket", scope: .read, summary: "",
            success: APIResult(101, "", nil),
            push: .webSocket(
                WebSocketEndpoint(takesPrefix: true) { _, _, _ throws(APIProblem) in
                    throw APIProblem(.unavailable, "")
                })
        ) { _ throws(APIProblem) in throw APIProblem(.unavailable, "") }
        let routes = APIRoutes([operation])
        for prefix in ["", "/gw", "/gw/fj", "/socket/server/websocket"] {
            #expect(try routes.call("GET", prefix + "/socket/server/websocket?a=b").operation.id == "notify")
        }
        for path in ["/server/websocket", "/socket/server/websocket/", "/socket/server/websocket/x", "/"] {
            #expect(throws: APIProblem.self) { try routes.call("GET", path) }
        }
    }
}

/// A hub over a log of its own, in a time of its own.
private final class NotifierFixture {
    let loop = EmbeddedEventLoop()
    private(set) var reports = 0
    private let folder: TemporaryFolder
    private let settings: EventLogSettings
    private let log: SegmentEventLog
    private let mailbox = FeedMailbox(budgetBytes: 1 << 20)
    private let hub: PushHub
    private let tokens: APITokens
    private var sequence: UInt64 = 0
    private lazy var pipeline = PipelineReports(loop) { [unowned self] in
        reports += 1
        return loop.makeSucceededFuture(Array("{}".utf8))
    }

    init() throws {
        folder = try TemporaryFolder()
        settings = EventLogSettings(path: folder.file)
        log = try SegmentEventLog(settings: settings)
        hub = PushHub(
            lineage: log.lineage, mailbox: mailbox, feed: EventFeed(next: log.nextPosition, budgetBytes: 1 << 20),
            reading: LogReading(try log.makeReader()), loop: loop,
            registry: MetricRegistry(stage: "fanout-router", instance: "test", version: "0"),
            logger: Logger(label: "test"), saveCursors: { _, _ in })
        let right = SecretReference(place: .literal("right"), keyPath: "router.api_tokens[0]")
        tokens = APITokens(
            try APITokens.read([APITokenConfiguration(name: "a", scopes: ["read"], secret: .reference(right))]))
    }

    /// A client that is connected; authenticated, it has read the answer to that.
    func connect(authenticated: Bool = false) throws -> NotifierClient {
        let service = PushService(
            hub: NIOLoopBound(hub, eventLoop: loop), loop: loop, configuration: { TributaryConfiguration() })
        let client = try NotifierClient(NotifierConnection(service, pipeline, tokens: tokens), loop)
        if authenticated {
            client.send(NotifierTests.request(token: "right"))
            #expect(client.sent == [NotifierSession.authenticatedMessage])
        }
        return client
    }

    /// Puts one event into the log for each original; nil: what came was JSON.
    func receive(_ originals: [[UInt8]?], provider: String = "fishjam") throws {
        var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 1)
        for original in originals {
            sequence += 1
            let envelope = Sample.envelope(
                sequence: sequence, ids: ["id-\(sequence)"], original: original,
                attributes: [(name: "provider", value: provider)])
            _ = try Sample.admit(envelope, log, &transaction)
        }
        mailbox.put(try log.commit(transaction).map { RenderedBatch($0) }, next: log.nextPosition)
        hub.drain()
    }
}

/// One client of a notifier, without a network.
private final class NotifierClient {
    let channel: EmbeddedChannel
    private let closing = Closing()

    init(_ connection: NotifierConnection, _ loop: EmbeddedEventLoop) throws {
        channel = EmbeddedChannel(handlers: [closing, connection], loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func send(_ bytes: [UInt8]) {
        _ = try? channel.writeInbound(WebSocketMessage.binary(ByteBuffer(bytes: bytes)))
    }

    /// What was sent since this was last asked.
    var sent: [[UInt8]] {
        var messages: [[UInt8]] = []
        while case .binary(let bytes)? = try? channel.readOutbound(as: WebSocketMessage.self) {
            messages.append(Array(bytes.readableBytesView))
        }
        return messages
    }

    /// Code and reason; nil while it is open.
    var closed: String? { closing.seen.map { "\($0.code.rawValue) \($0.reason)" } }

    private final class Closing: ChannelOutboundHandler {
        typealias OutboundIn = WebSocketMessage

        var seen: WebSocketClose?

        func triggerUserOutboundEvent(
            context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
        ) {
            seen = event as? WebSocketClose
            promise?.succeed()
        }
    }
}
