import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Threads

/// What all connections of the control API share: who may ask what, and the threads that operations run on.
final class ControlResponder: Sendable {
    /// How many operations run at once, and how many may wait for their turn.
    static let workers = 8
    static let mostWaiting = 64
    /// A body must be here after that long.
    static let bodyDeadline = TimeAmount.seconds(30)

    /// Nil: whoever reaches the listener needs no token.
    let tokens: APITokens?
    let bodyDeadline: TimeAmount
    let push: PushService?
    let sockets: OpenSockets
    private let dispatcher: APIDispatcher
    private let hosts: HostRule?
    private let pool = NIOThreadPool(numberOfThreads: ControlResponder.workers)
    private let state = Mutex(State())
    private let settled = TimedSemaphore()

    private struct State {
        /// Operations that run or wait, or whose answer is on its way.
        var accepted = 0
        var isStopping = false
    }

    /// `hosts` nil: a Unix socket, which no page can reach.
    init(
        dispatcher: APIDispatcher, tokens: APITokens?, hosts: HostRule?, bodyDeadline: TimeAmount,
        push: PushService? = nil, sockets: OpenSockets = OpenSockets()
    ) {
        self.push = push
        self.sockets = sockets
        self.dispatcher = dispatcher
        self.tokens = tokens
        self.hosts = hosts
        self.bodyDeadline = bodyDeadline
        pool.start()
    }

    enum Decision {
        case ask(APICall)
        case refuse(APIAnswer)
    }

    /// Checks what can be checked without the body.
    func decide(_ head: HTTPRequestHead) -> Decision {
        var call: APICall?
        do throws(APIProblem) {
            try hosts?.check(head.headers.joined("host"))
            var found = try dispatcher.call(head.method.rawValue, head.uri)
            call = found
            found.scopes = try scopes(head, found.operation)
            let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
            guard length <= APIDispatcher.maxBodyBytes else { throw APIProblem.bodyTooLarge }
            return .ask(found)
        } catch {
            return .refuse(dispatcher.refuse(error, call))
        }
    }

    /// What the client may do. A WebSocket's first message may bring the token instead.
    private func scopes(_ head: HTTPRequestHead, _ operation: APIOperation) throws(APIProblem) -> Set<APIScope> {
        guard let tokens else { return Set(APIScope.allCases) }
        let authorization = head.headers.joined("authorization")
        if case .webSocket = operation.push, authorization == nil { return [] }
        return try tokens.authorise(authorization, for: operation)
    }

    func refuse(_ problem: APIProblem, _ call: APICall) -> APIAnswer { dispatcher.refuse(problem, call) }

    /// Carries out a call on a thread that may block, and hands the answer to `write` on `loop`; what that returns says
    /// when the answer is sent. Too many calls at once are refused.
    func carryOut(
        _ call: APICall, contentType: String?, body: [UInt8], on loop: any EventLoop,
        write: @escaping @Sendable (APIAnswer) -> EventLoopFuture<Void>
    ) {
        do throws(APIProblem) {
            if let later = try dispatcher.poll(call) {
                // Bounded by what may watch.
                _ = later.hop(to: loop).flatMap(write)
                return
            }
        } catch {
            _ = write(dispatcher.refuse(error, call))
            return
        }
        let problem = state.withLock { state -> APIProblem? in
            guard !state.isStopping else { return APIProblem(.unavailable, "the router is stopping; try again") }
            guard state.accepted < Self.workers + Self.mostWaiting else {
                return APIProblem(
                    .unavailable, "too many requests wait already; try again", fields: [("retry-after", "1")])
            }
            state.accepted += 1
            return nil
        }
        if let problem {
            _ = write(dispatcher.refuse(problem, call))
            return
        }
        pool.runIfActive(eventLoop: loop) { [dispatcher] in
            dispatcher.answer(call, contentType: contentType, body: body)
        }.flatMap(write).whenComplete { [self] _ in
            let isLast = state.withLock { state in
                state.accepted -= 1
                return state.isStopping && state.accepted == 0
            }
            if isLast { settled.signal() }
        }
    }

    /// Takes no more calls, lets those that were taken end and their answers go out, for 5 s at most. Blocks; not for an
    /// event loop.
    func stop() {
        let isSettled = state.withLock { state in
            state.isStopping = true
            return state.accepted == 0
        }
        if !isSettled { _ = settled.wait(milliseconds: 5_000) }
        let ended = TimedSemaphore()
        pool.shutdownGracefully { _ in ended.signal() }
        _ = ended.wait(milliseconds: 1_000)
    }
}
