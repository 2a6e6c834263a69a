import EventDelivery
import NIOCore
import PipelineConfiguration
import WebSocket

/// One client of `/socket/server/websocket`, which speaks as Fishjam's servers do, so that Fishjam's SDKs take this for
/// one: it gets the events of Fishjam's sources as the messages that they came as.
final class NotifierConnection: WatchingConnection, @unchecked Sendable {
    /// A token is a few hundred bytes.
    static let messageBytes = 4096
    /// How long nothing is sent after the first subscription: fishjam-server-sdk 0.5.0 may subscribe to a second class
    /// then, and fails on whatever comes before the answer. A round trip to a distant client fits into it.
    static let settleTime = TimeAmount.milliseconds(500)

    private let reports: PipelineReports
    /// Nil where no token is needed, or one came with the request.
    private let tokens: APITokens?
    private var session = NotifierSession()
    private var classes: Set<NotifierSession.Class> = []
    /// Behind which notifications follow; nil: none are subscribed to.
    private var place: PositionToken?

    init(_ service: PushService, _ reports: PipelineReports, tokens: APITokens?) {
        (self.reports, self.tokens) = (reports, tokens)
        super.init(service)
    }

    override func opened() {
        after(Self.tokenDeadline) { [self] in carryOut(NotifierSession.invalidRequest) }
    }

    override func receive(_ message: WebSocketMessage) { carryOut(session.receive(message)) }

    override func ended() { reports.remove(self) }

    private func carryOut(_ action: NotifierSession.Action) {
        switch action {
        case .authenticate(let token):
            guard isRight(token) else { return carryOut(NotifierSession.invalidToken) }
            cancelTimer()
            session.authenticated()
            send(NotifierSession.authenticatedMessage)
        case .subscribe(let wanted):
            send(NotifierSession.response(wanted))
            if classes.insert(wanted).inserted { subscribe(wanted) }
        case .close(let code, let reason): end(code, reason)
        }
    }

    private func isRight(_ token: String) -> Bool {
        do throws(APIProblem) {
            _ = try tokens?.authorise("Bearer \(token)", needs: .read, "notifyServers")
            return true
        } catch {
            return false
        }
    }

    /// The place is taken now, and watched from once nothing but events is to be sent.
    private func subscribe(_ wanted: NotifierSession.Class) {
        if wanted == .serverNotification || place == nil { place = hub.headToken }
        guard classes.count == 1 else { return begin() }
        after(Self.settleTime) { [self] in
            begin()
            flush()
        }
    }

    private func begin() {
        cancelTimer()
        if !isWatching, let place {
            var filter = SubscriptionFilter()
            filter.providers = ["fishjam"]
            watch(filter, from: .behind(place))
        }
        if classes.contains(.metrics) { reports.add(self) }
    }

    // MARK: Outbound

    override func write(_ event: WatchedEvent) {
        let message = event.withOriginal { contentType, bytes -> ByteBuffer? in
            guard contentType.elementsEqual("application/x-protobuf".utf8),
                let kind = NotifierSession.kind(of: bytes), classes.contains(kind)
            else { return nil }
            return ByteBuffer(bytes: bytes)
        }
        if let message = message ?? nil { send(.binary(message)) }
    }

    /// A report that cannot be taken now is left out: there is a newer one soon.
    func report(_ message: ByteBuffer) {
        guard isWritable else { return }
        send(.binary(message))
        flush()
    }

    private func send(_ bytes: [UInt8]) { send(.binary(ByteBuffer(bytes: bytes))) }
}
