import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import TestCertificates
import Testing

/// A TLS listener on `localhost` that gives every request the same answer.
final class TLSRouter: Sendable {
    /// Its own certificate, which is its own authority.
    let certificate: String
    let port: Int
    private let channel: any Channel
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let requests = Asked()

    /// What was asked, with the authorization.
    var asked: [String] { requests.lines.withLock { $0 } }

    /// Shared with the handlers of connections.
    final class Asked: Sendable {
        let lines = Mutex<[String]>([])
    }

    init(folder: String, answer: String) throws {
        let made = try Self.makeCertificate(in: folder, name: "router")
        certificate = made.certificate
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(made.certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: made.key, format: .pem))))
        let requests = requests
        channel = try ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Answering(answer, requests))
                }
            }
            .bind(host: "localhost", port: 0).wait()
        port = try #require(channel.localAddress?.port)
    }

    func close() {
        try? channel.close().wait()
        try? group.syncShutdownGracefully()
    }

    /// A certificate for `localhost` that signs itself.
    static func makeCertificate(in folder: String, name: String) throws -> (certificate: String, key: String) {
        let (certificate, key) = ("\(folder)/\(name).pem", "\(folder)/\(name).key")
        try OpenSSL.makeCertificate(certificate, key: key)
        return (certificate, key)
    }
}

/// Answers every request alike and closes.
private final class Answering: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: String
    private let requests: TLSRouter.Asked

    init(_ answer: String, _ requests: TLSRouter.Asked) {
        self.answer = answer
        self.requests = requests
    }

    func channelRead(context: ChannelHandlerContext, data part: NIOAny) {
        switch unwrapInboundIn(part) {
        case .head(let head):
            let token = head.headers.first(name: "authorization") ?? "no token"
            requests.lines.withLock { $0.append("\(head.method.rawValue) \(head.uri) \(token)") }
        case .body: break
        case .end:
            let headers: HTTPHeaders = ["content-length": String(answer.utf8.count), "connection": "close"]
            context.write(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))), promise: nil
            )
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
                context.close(promise: nil)
            }
        }
    }
}
