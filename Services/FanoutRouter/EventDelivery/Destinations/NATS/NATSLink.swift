import Dispatch
import NATS
import NIOCore
import PipelineConfiguration
import Synchronization

/// The connection of a subscription to a cluster of NATS, and the deliveries that wait for it or for their
/// acknowledgements.
///
/// A delivery waits for a connection as long as its time-out lets it. One that was published when the connection broke goes
/// out again on the next, in the old order: its `Nats-Msg-Id` keeps the stream from having it twice. Every connection goes
/// to an address that was checked just before; the library looks up no name and follows no server.
///
/// Confined to the event loop of the lanes; the library blocks, so it is called on a queue of this link.
final class NATSLink {
    /// What connections are made with; equal where they may be kept.
    struct Settings: Equatable, Sendable {
        var servers: [EndpointURL]
        var login = NATSOptions.Login.none
        var tls = NATSOptions.TLS()
    }

    private final class Entry {
        let publication: NATSConnection.Publication
        let deadline: NIODeadline
        let completion: (AttemptOutcome) -> Void
        var wasPublished = false

        init(
            _ publication: NATSConnection.Publication, deadline: NIODeadline,
            completion: @escaping (AttemptOutcome) -> Void
        ) {
            (self.publication, self.deadline, self.completion) = (publication, deadline, completion)
        }
    }

    private enum State {
        case none
        case connecting
        case pausing
        case open(NATSConnection)
    }

    /// For one connection, name and greeting included.
    private static let connectTimeout = TimeAmount.seconds(5)
    private static let firstPause = TimeAmount.milliseconds(100)
    private static let longestPause = TimeAmount.seconds(2)

    private let settings: Settings
    private let resolver: EgressResolver
    private let loop: any EventLoop
    private let queue = DispatchQueue(label: "nats destination")
    private let replies: ReplyMailbox
    private var state = State.none
    /// In the order of their tickets, as are those in flight.
    private var waiting: [Entry] = []
    private var inFlight: [UInt64: Entry] = [:]
    private var lastTicket: UInt64 = 0
    private var isSending = false
    private var isClosed = false
    /// Counts attempts to connect: which server is next, and which connection a callback is about.
    private var connections = 0
    private var pause = NATSLink.firstPause
    private var lastFailure: AttemptOutcome?
    private var timer: (due: NIODeadline, task: Scheduled<Void>)?

    init(_ settings: Settings, resolver: EgressResolver, loop: any EventLoop) {
        self.settings = settings
        self.resolver = resolver
        self.loop = loop
        replies = ReplyMailbox(loop)
        replies.owner.value.link = self
    }

    /// Whether its connections are those that these settings ask for.
    func leads(by settings: Settings, _ resolver: EgressResolver) -> Bool {
        settings == self.settings && resolver === self.resolver
    }

    /// Publishes; `completion` runs once, later. The ticket of the publication is set here.
    func publish(
        _ publication: NATSConnection.Publication, timeoutNanoseconds: Int64,
        completion: @escaping (AttemptOutcome) -> Void
    ) {
        lastTicket += 1
        var publication = publication
        publication.ticket = lastTicket
        let entry = Entry(
            publication, deadline: .now() + .nanoseconds(timeoutNanoseconds), completion: completion)
        waiting.append(entry)
        armTimer(entry.deadline)
        guard !isSending else { return }
        isSending = true
        loop.assumeIsolated().execute {
            self.isSending = false
            self.send()
        }
    }

    /// Ends the connection when the deliveries under way are over.
    func close() {
        isClosed = true
        disconnectIfDone()
    }

    /// Hands all that waits to the connection.
    private func send() {
        guard !waiting.isEmpty else { return }
        guard case .open(let connection) = state else {
            if case .none = state { connect() }
            return
        }
        let entries = waiting
        waiting = []
        for entry in entries {
            entry.wasPublished = true
            inFlight[entry.publication.ticket] = entry
        }
        let (publications, replies) = (entries.map(\.publication), replies)
        queue.async {
            for publication in publications {
                do throws(NATSError) {
                    try connection.publish(publication)
                } catch {
                    // Of a connection that is gone the callback tells.
                    if error.code != .lost { replies.put(publication.ticket, AttemptOutcome(error)) }
                }
            }
        }
    }

    /// `ticket`: of what was published.
    fileprivate func ended(_ ticket: UInt64, _ outcome: AttemptOutcome) {
        inFlight.removeValue(forKey: ticket)?.completion(outcome)
        disconnectIfDone()
    }

    /// The server does not let the user publish to a subject; it answers nothing else to those publications.
    fileprivate func complained(_ text: String) {
        guard text.lowercased().contains("permissions violation") else { return }
        for (ticket, entry) in inFlight.sorted(by: { $0.key < $1.key })
        where text.contains("\"\(entry.publication.subject)\"") {
            ended(ticket, .denied(.accessDenied, text))
        }
    }

    // MARK: Connecting

    private func connect() {
        guard resolver.proxy == nil else {
            return failed(.failed(.addressRefused, "router.egress_proxy is set, and NATS passes no HTTP proxy"))
        }
        state = .connecting
        let server = settings.servers[connections % settings.servers.count]
        connections += 1
        resolver.resolve(server, on: loop, deadline: .now() + Self.connectTimeout) { [self] result in
            switch result {
            case .failure(let failure): failed(failure.outcome)
            case .success(let addresses):
                open(addresses.map { ($0.ipAddress ?? "", $0.port ?? 0) }, of: server, number: connections)
            }
        }
    }

    /// Tries the checked addresses one after the other until one answers.
    private func open(_ addresses: [(host: String, port: Int)], of server: EndpointURL, number: Int) {
        let (settings, loop, callbacks) = (settings, loop, replies.callbacks(number))
        let link = NIOLoopBound(self, eventLoop: loop)
        queue.async {
            var outcome = AttemptOutcome.failed(.connectFailed, "the host has no address")
            for (host, port) in addresses {
                var options = NATSOptions(
                    address: host, port: port, serverName: server.host, name: "tributary",
                    timeoutMilliseconds: Self.connectTimeout.nanoseconds / 1_000_000)
                options.tls = server.isTLS ? settings.tls : nil
                options.login = settings.login
                do throws(NATSError) {
                    let connection = try NATSConnection(options, callbacks)
                    return loop.execute { link.value.opened(connection, number) }
                } catch {
                    outcome = AttemptOutcome(error)
                }
            }
            let failure = outcome
            loop.execute { link.value.failed(failure) }
        }
    }

    private func opened(_ connection: NATSConnection, _ number: Int) {
        (state, pause, lastFailure) = (.open(connection), Self.firstPause, nil)
        // It may have broken at once.
        if replies.isLost(number) { return lost(number) }
        send()
        disconnectIfDone()
    }

    /// There is no connection: what waits for one goes on waiting where that may help.
    private func failed(_ outcome: AttemptOutcome) {
        lastFailure = outcome
        state = .pausing
        loop.assumeIsolated().scheduleTask(in: pause) { [self] in
            guard case .pausing = state else { return }
            state = .none
            send()
        }
        pause = min(pause + pause, Self.longestPause)
        guard !outcome.mayPassSoon else { return }
        let entries = waiting
        waiting = []
        for entry in entries { entry.completion(outcome) }
    }

    fileprivate func lost(_ number: Int) {
        guard number == connections, case .open(let connection) = state else { return }
        state = .none
        queue.async { connection.close() }
        waiting = inFlight.values.sorted { $0.publication.ticket < $1.publication.ticket } + waiting
        inFlight = [:]
        send()
    }

    private func disconnectIfDone() {
        guard isClosed, waiting.isEmpty, inFlight.isEmpty, case .open(let connection) = state else { return }
        state = .none
        queue.async { connection.close() }
    }

    // MARK: Time-outs

    private func armTimer(_ due: NIODeadline) {
        if let timer {
            guard due < timer.due else { return }
            timer.task.cancel()
        }
        timer = (due, loop.assumeIsolated().scheduleTask(deadline: due) { self.timerEnded() })
    }

    private func timerEnded() {
        timer = nil
        let now = NIODeadline.now()
        let late = (waiting + inFlight.values).filter { $0.deadline <= now }
        waiting.removeAll { $0.deadline <= now }
        for entry in late {
            inFlight[entry.publication.ticket] = nil
            entry.completion(
                entry.wasPublished
                    ? .failed(.timeout, "no acknowledgement within the time-out")
                    : lastFailure ?? .failed(.connectTimeout, "not connected within the time-out"))
        }
        disconnectIfDone()
        let next = (waiting + inFlight.values).map(\.deadline).min()
        if let next { armTimer(next) }
    }
}

/// Takes what threads of the library say to the event loop, many at once.
private final class ReplyMailbox: Sendable {
    final class Owner {
        weak var link: NATSLink?
    }

    private struct Contents {
        var outcomes: [(ticket: UInt64, outcome: AttemptOutcome)] = []
        var lost = 0
    }

    /// For the loop alone.
    let owner: NIOLoopBound<Owner>
    private let loop: any EventLoop
    private let contents = Mutex(Contents())

    init(_ loop: any EventLoop) {
        self.loop = loop
        owner = NIOLoopBound(Owner(), eventLoop: loop)
    }

    /// `number`: of the connection.
    func callbacks(_ number: Int) -> NATSConnection.Callbacks {
        NATSConnection.Callbacks(
            replied: { self.put($0, AttemptOutcome($1)) },
            complained: { text in self.loop.execute { self.owner.value.link?.complained(text) } },
            closed: {
                self.contents.withLock { $0.lost = max($0.lost, number) }
                self.loop.execute { self.owner.value.link?.lost(number) }
            })
    }

    func isLost(_ number: Int) -> Bool { contents.withLock { $0.lost == number } }

    func put(_ ticket: UInt64, _ outcome: AttemptOutcome) {
        let isFirst = contents.withLock { contents in
            contents.outcomes.append((ticket, outcome))
            return contents.outcomes.count == 1
        }
        guard isFirst else { return }
        loop.execute {
            let outcomes = self.contents.withLock { contents in
                defer { contents.outcomes = [] }
                return contents.outcomes
            }
            for (ticket, outcome) in outcomes { self.owner.value.link?.ended(ticket, outcome) }
        }
    }
}
