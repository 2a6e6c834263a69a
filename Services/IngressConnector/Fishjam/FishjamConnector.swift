import NIOCore
import NIOPosix
import NIOSSL
import PipelineConfiguration
import StageMetrics
import Synchronization
import WebSocket

/// Receives the notifications of a Fishjam server over its WebSocket, connecting again and again. What is announced while
/// there is no connection is lost, because Fishjam keeps nothing: the time is said in an event of its own.
final class FishjamConnector: Sendable {
    /// How often a journal that takes nothing is asked again.
    private static let pauseMilliseconds = 200
    /// A connection that ends sooner is one more failure: a server may take it and end it again and again.
    private static let steadyNanoseconds: Int64 = 30_000_000_000
    /// Something must come in twice as long, a pong at least. Fishjam pings every 30 s.
    private static let pingInterval = TimeAmount.seconds(10)

    private let settings: ConnectorSettings
    private let server: ConnectorSettings.Server
    private let intake: ConnectorIntake
    private let state: ConnectorState
    private let tls: NIOSSLContext?
    private let messageBytes: Int
    private let account: Mutex<GapAccount>

    /// `path`: a file that remembers when the server was last heard. Throws where the authorities are no PEM.
    init(
        _ settings: ConnectorSettings, _ server: ConnectorSettings.Server, _ intake: ConnectorIntake,
        _ state: ConnectorState, messageBytes: Int, path: String
    ) throws {
        self.settings = settings
        self.server = server
        self.intake = intake
        self.state = state
        self.messageBytes = messageBytes
        account = Mutex(GapAccount(path: path))
        guard server.url.isTLS else {
            tls = nil
            return
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let ca = settings.ca { configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(ca)) }
        tls = try NIOSSLContext(configuration: configuration)
    }

    /// Ends when its task is cancelled.
    func run() async {
        var delay = RetryDelay()
        while !Task.isCancelled {
            guard intake.isOpen else {
                state.pauses("the journal takes nothing, so there is no connection")
                await pause(milliseconds: Self.pauseMilliseconds)
                continue
            }
            let began = monotonicNanoseconds()
            let (wasSubscribed, reason) = await connection()
            guard !Task.isCancelled else { return }
            state.fails(reason)
            if wasSubscribed, monotonicNanoseconds() - began > Self.steadyNanoseconds { delay.reset() }
            await pause(milliseconds: delay.next())
        }
    }

    /// One connection from its beginning to its end: whether notifications could come, and why it ended.
    private func connection() async -> (wasSubscribed: Bool, reason: String) {
        var request = WebSocketClient.Request(
            place: .tcp(host: server.url.host, port: server.url.port), tls: tls, host: server.url.hostHeader,
            target: server.target,
            limits: WebSocketLimits(messageBytes: messageBytes, pingInterval: Self.pingInterval))
        request.timeout = .seconds(10)
        let group = MultiThreadedEventLoopGroup.singleton
        let ended = group.next().makePromise(of: (Bool, String).self)
        let opened = WebSocketClient.connect(request, on: group) { [self] _ in [FishjamSession(self, ended)] }
        opened.whenFailure { [url = server.url] error in
            switch error as? WebSocketClient.Refusal {
            case let refusal?:
                ended.succeed((false, "\(url) answered \(refusal.status) in place of a WebSocket"))
            case nil: ended.succeed((false, "\(url) cannot be reached: \(error)"))
            }
        }
        return await withTaskCancellationHandler {
            // It never fails.
            (try? await ended.futureResult.get()) ?? (false, "")
        } onCancel: {
            ended.succeed((false, "the connector ends"))
            opened.whenSuccess { channel in
                channel.triggerUserOutboundEvent(WebSocketClose(.goingAway), promise: nil)
            }
        }
    }

    // MARK: For its session

    var handshake: FishjamHandshake { FishjamHandshake(metrics: server.metrics) }
    var token: [UInt8] { server.token }

    func heard() { account.withLock { $0.hear(at: wallNanoseconds()) } }

    func ended(_ reason: String, lostAt: Int64? = nil) { account.withLock { $0.disconnect(reason, lostAt: lostAt) } }

    /// Notifications come from now on: says the gap before. `failed` is called where that cannot be kept.
    func subscribed(failed: @escaping @Sendable () -> Void) {
        state.works()
        let now = wallNanoseconds()
        guard let gap = account.withLock({ $0.connect(at: now) }) else { return }
        intake.take(gap.webhook(of: settings.name), of: settings) { [self] isOnDisk in
            guard isOnDisk else { return failed() }
            state.gaps.add()
            account.withLock { $0.settle(at: now) }
        }
    }

    /// Keeps a notification; `failed` is called where that is impossible.
    func take(_ body: [UInt8], failed: @escaping @Sendable () -> Void) {
        guard intake.isOpen else { return failed() }
        let webhook = FetchedWebhook(
            fields: [.init(name: "content-type", value: "application/x-protobuf")], id: nil, body: body)
        intake.take(webhook, of: settings) { [state] isOnDisk in
            if isOnDisk { state.fetched.add() } else { failed() }
        }
    }
}
