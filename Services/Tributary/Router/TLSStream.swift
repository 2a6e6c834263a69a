import NIOCore
import NIOPosix
import NIOSSL
import StageRuntime

/// TLS over a connected socket, for `HTTPConnection`: its caller blocks, the work is done on an event loop.
final class TLSStream: ByteStream {
    private let channel: any Channel
    private let inbox: NIOLoopBound<TLSInbox>
    private let timeout: TimeAmount

    /// Connects to a host. The handshake comes with the first bytes; the certificate must be for `host`, by one of the
    /// authorities in the PEM file, or where there is none, by one that the system trusts.
    init(host: String, port: Int, caFile: String?, timeoutSeconds: Int = 30) throws(HTTPFailure) {
        let context = try Self.context(caFile)
        let descriptor = try HTTPConnection.connected(host: host, port: port, timeoutSeconds: timeoutSeconds)
        timeout = .seconds(Int64(timeoutSeconds))
        // An address has no name to ask for; the certificate must then name the address itself.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        do {
            let inbox = try loop.submit { NIOLoopBound(TLSInbox(loop), eventLoop: loop) }.wait()
            self.inbox = inbox
            channel = try ClientBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host))
                        try pipeline.addHandler(inbox.value)
                    }
                }
                .withConnectedSocket(descriptor).wait()
        } catch {
            throw HTTPFailure(.notTrusted, "no TLS with \(host): \(Self.reason(error))")
        }
    }

    deinit {
        channel.close(mode: .all, promise: nil)
    }

    func send(_ bytes: [UInt8]) throws(HTTPFailure) {
        do {
            let loop = channel.eventLoop
            let written = channel.writeAndFlush(ByteBuffer(bytes: bytes))
            // Behind the write, so that a certificate that was refused is named instead of a closed connection.
            let inbox = inbox
            try written.flatMapErrorThrowing { error in
                loop.assertInEventLoop()
                throw inbox.value.failure ?? error
            }.wait()
        } catch {
            throw Self.failure(error)
        }
    }

    func receive() throws(HTTPFailure) -> [UInt8] {
        do {
            let (inbox, timeout) = (inbox, timeout)
            return try channel.eventLoop.flatSubmit { inbox.value.next(within: timeout) }.wait()
        } catch {
            throw Self.failure(error)
        }
    }

    private static func context(_ caFile: String?) throws(HTTPFailure) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let file = caFile {
            guard let roots = try? NIOSSLCertificate.fromPEMFile(file), !roots.isEmpty else {
                throw HTTPFailure(.notTrusted, "\(file) holds no PEM certificate that can be read")
            }
            configuration.trustRoots = .certificates(roots)
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw HTTPFailure(.notTrusted, "the authorities cannot be used: \(error)")
        }
    }

    private static func failure(_ error: any Error) -> HTTPFailure {
        switch error {
        case let failure as HTTPFailure: failure
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: HTTPFailure(.notTrusted, reason(error))
        default: HTTPFailure(.noAnswer, "the connection broke: \(error)")
        }
    }

    /// The two usual reasons in words, others as the library says them.
    private static func reason(_ error: any Error) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "its certificate comes from no authority that is trusted here, or has expired"
        }
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "its certificate is for another name"
        }
        return text
    }
}

/// What came in, until somebody asks for it. On the event loop of its channel.
private final class TLSInbox: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let loop: any EventLoop
    private var received: [UInt8] = []
    private var isAtEnd = false
    private(set) var failure: (any Error)?
    private var waiting: EventLoopPromise<[UInt8]>?

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func next(within timeout: TimeAmount) -> EventLoopFuture<[UInt8]> {
        let promise = loop.makePromise(of: [UInt8].self)
        let late = loop.assumeIsolated().scheduleTask(in: timeout) {
            self.waiting = nil
            promise.fail(HTTPFailure(.noAnswer, "no answer in time"))
        }
        promise.futureResult.whenComplete { _ in late.cancel() }
        waiting = promise
        deliver()
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data part: NIOAny) {
        received += unwrapInboundIn(part).readableBytesView
        deliver()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many servers close without saying so; the length of an answer tells whether it is whole.
        if let error = error as? NIOSSLError, case .uncleanShutdown = error {
            isAtEnd = true
        } else if failure == nil {
            failure = error
        }
        deliver()
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isAtEnd = true
        deliver()
    }

    private func deliver() {
        guard let promise = waiting else { return }
        if !received.isEmpty {
            let bytes = received
            received = []
            waiting = nil
            promise.succeed(bytes)
        } else if let failure {
            waiting = nil
            promise.fail(failure)
        } else if isAtEnd {
            waiting = nil
            promise.succeed([])
        }
    }
}
