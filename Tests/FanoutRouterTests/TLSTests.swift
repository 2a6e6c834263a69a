import Foundation
import LogSamples
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import StageRuntime
import Testing

@testable import FanoutRouter

@Suite(.serialized) struct TLSTests {
    /// Sends one request to a TLS server whose certificate is for `localhost`.
    private func outcome(host: String, trusted: Bool) throws -> AttemptOutcome {
        let folder = try TemporaryFolder()
        let (key, certificate) = (folder.path + "/key.pem", folder.path + "/certificate.pem")
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
            certificate,
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        let chain = try NIOSSLCertificate.fromPEMFile(certificate)
        let server = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let channel = try ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: server))
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Accepting())
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        let endpoint = try EndpointURL("https://\(host):\(channel.localAddress?.port ?? 0)/")
        let loop = group.next()
        let promise = loop.makePromise(of: AttemptOutcome.self)
        let roots: NIOSSLTrustRoots = trusted ? .certificates(chain) : .default
        let pool = try loop.submit {
            let resolver = EgressResolver(EgressGuard(allow: ["127.0.0.0/8", "::1/128"]))
            let pool = try ConnectionPool(endpoint: endpoint, resolver: resolver, loop: loop, trustRoots: roots)
            let request = OutboundRequest(
                head: ByteBuffer(string: "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n"),
                body: ByteBuffer(string: "{}"), timeoutNanoseconds: 5_000_000_000)
            pool.send(request) { promise.succeed($0) }
            return NIOLoopBound(pool, eventLoop: loop)
        }.wait()
        let outcome = try promise.futureResult.wait()
        try loop.submit { pool.value.close() }.wait()
        return outcome
    }

    @Test func `a subscriber with a trusted certificate for its name gets its events`() throws {
        #expect(try outcome(host: "localhost", trusted: true).word == "delivered")
    }

    @Test func `a certificate that nobody trusts is refused`() throws {
        #expect(try outcome(host: "localhost", trusted: false).word == "tls_failed")
    }

    @Test func `a certificate for another name is refused`() throws {
        #expect(try outcome(host: "127.0.0.1", trusted: true).word == "tls_failed")
    }
}

/// Answers every request with 200.
private final class Accepting: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    func channelRead(context: ChannelHandlerContext, data part: NIOAny) {
        guard case .end = unwrapInboundIn(part) else { return }
        let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["content-length": "0"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
