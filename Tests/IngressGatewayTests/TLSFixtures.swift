import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import PipelineConfiguration
import Synchronization
import TestCertificates

/// Certificates in a temporary folder.
final class Certificates {
    let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/tributary-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// A new self-signed certificate `<name>.pem` for `localhost` with its key `<name>.key`.
    func make(_ name: String) throws {
        try OpenSSL.makeCertificate("\(folder)/\(name).pem", key: "\(folder)/\(name).key")
    }

    /// References to the files of those names.
    func tls(_ certificate: String, key: String? = nil) -> ListenerTLS {
        func file(_ name: String, _ keyPath: String) -> SecretReference {
            SecretReference(place: .file("\(folder)/\(name)"), keyPath: "ingress.tls.\(keyPath)")
        }
        return ListenerTLS(
            certificate: file("\(certificate).pem", "certificate"), key: file("\(key ?? certificate).key", "key"))
    }
}

/// A client that speaks HTTP over TLS, believes every certificate, and remembers which one it saw.
final class TLSClient {
    /// What arrives, and what the server showed.
    final class Seen: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let bytes = Mutex<[UInt8]>([])
        let certificate = Mutex<String>("")
        let hasEnded = Mutex(false)

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let part = Self.unwrapInboundIn(data)
            bytes.withLock { $0 += part.readableBytesView }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            hasEnded.withLock { $0 = true }
        }
    }

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channel: any Channel
    private let seen = Seen()

    init(port: Int) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .noHostnameVerification
        configuration.applicationProtocols = ["h2", "http/1.1"]
        let context = try NIOSSLContext(configuration: configuration)
        let seen = seen
        channel = try ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(
                        context: context, serverHostname: "localhost",
                        customVerificationCallback: { certificates, promise in
                            let name = certificates.first.map { "\($0)" } ?? ""
                            seen.certificate.withLock { $0 = name }
                            promise.succeed(.certificateVerified)
                        })
                    try channel.pipeline.syncOperations.addHandlers(tls, seen)
                }
            }
            .connect(host: "127.0.0.1", port: port).wait()
    }

    deinit {
        try? channel.close().wait()
        try? group.syncShutdownGracefully()
    }

    func send(_ text: String) throws {
        try channel.writeAndFlush(ByteBuffer(string: text)).wait()
    }

    /// The next answer; nil when none comes in time or the connection ends.
    func answer() -> HTTPAnswer? {
        var found: HTTPAnswer?
        _ = eventually {
            found = seen.bytes.withLock { bytes in
                guard let (answer, length) = HTTPAnswer.parse(bytes) else { return nil }
                bytes.removeFirst(length)
                return answer
            }
            return found != nil || hasEnded
        }
        return found
    }

    /// Whether the connection is over.
    var hasEnded: Bool { seen.hasEnded.withLock { $0 } }

    /// The certificate that the server showed, as text that tells certificates apart.
    var certificate: String { seen.certificate.withLock { $0 } }
}
