internal import StageMetrics
internal import Wire
internal import ZeroMQ

/// The way back: a worker's or router's links to the control sockets of every ingress.
final class ControlLinks {
    private let ingresses: LinkSet
    private let hello: HelloNotice
    private var journals: [Int: JournalID] = [:]
    private var nextGreeting: Int64 = 0

    /// Until the ingress has told its journal, hello is said again this often.
    private static let greetingIntervalNanoseconds: Int64 = 500_000_000

    init(_ ingresses: LinkSet, hello: HelloNotice) {
        self.ingresses = ingresses
        self.hello = hello
    }

    var sockets: [Socket] { ingresses.sockets }
    var news: [Socket] { ingresses.news }
    var upCount: Int { ingresses.upCount }
    var refusals: [String] { ingresses.refusals }

    /// Looks for new ingress instances; true when `sockets` changed.
    func rescan() throws(ZeroMQError) -> Bool {
        guard let dropped = try ingresses.rescan() else { return false }
        for link in dropped { journals[link] = nil }
        return true
    }

    /// Part of the housekeeping: greets new connections, and again where the ingress has not told its journal yet. True
    /// when `sockets` changed.
    func refresh(at now: Int64) throws(ZeroMQError) -> Bool {
        if now >= nextGreeting {
            nextGreeting = now + Self.greetingIntervalNanoseconds
            for link in ingresses.links where journals[link.id] == nil { link.greetAgain() }
        }
        return try ingresses.refresh(hello) { link, _ in journals[link.id] = nil }
    }

    /// Takes what came on the links that the poller found readable, and on all of them where `isTidying`. `announced` gets
    /// each window that an ingress announces.
    func receive(
        _ poller: Poller, isTidying: Bool, malformed: Counter,
        announced: (Int, WindowNotice) throws -> Void = { _, _ in }
    ) throws {
        for link in ingresses.links where isTidying || poller.isReadable(link.socket) {
            while let arrival = try link.receive() {
                guard arrival.header.kind == .window, let notice = try? arrival.read(WindowNotice.init) else {
                    if arrival.header.kind != .ping { malformed.add() }
                    continue
                }
                journals[link.id] = notice.journal
                try announced(link.id, notice)
            }
        }
    }

    /// Whether the ingress of that name has told its journal, so that verdicts find their way to it.
    func knows(_ instance: String) -> Bool {
        ingresses.links.contains { $0.instance == instance && $0.isUp && journals[$0.id] != nil }
    }

    /// Whether the links to all ingresses that there are have been established.
    var isComplete: Bool { ingresses.isComplete }

    /// The link to the ingress that owns `journal`, while it is up.
    func link(to journal: JournalID) -> ConnectedLink? {
        ingresses.links.first { journals[$0.id] == journal && $0.isUp }
    }

    func link(_ id: Int) -> ConnectedLink? { ingresses.link(id) }

    /// Sends the verdicts to the ingresses that wait for them. Lost ones cost nothing but a wait.
    func send(_ verdicts: inout [VerdictNotice]) throws {
        guard !verdicts.isEmpty else { return }
        for notice in verdicts {
            guard let link = link(to: notice.journal) else { continue }
            _ = try link.send(.verdicts, count: notice.entries.count) { notice.write(to: &$0) }
        }
        verdicts.removeAll(keepingCapacity: true)
    }

    /// Reports what dead workers held. Lost reports are made good by the ingress' timer.
    func send(_ losses: inout [LostNotice]) throws {
        guard !losses.isEmpty else { return }
        for notice in losses {
            guard let link = link(to: notice.journal) else { continue }
            _ = try link.send(.lost) { notice.write(to: &$0) }
        }
        losses.removeAll()
    }
}
