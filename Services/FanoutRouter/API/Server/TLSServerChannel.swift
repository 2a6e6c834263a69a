import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import StageRuntime

/// Connections with TLS before HTTP. Each takes the certificate that counts when it begins, so that a new one needs no
/// restart and cuts nothing off.
struct TLSServerChannel: ServerChildChannel {
    let base: HTTP1Channel
    let tls: ServerTLS

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context))
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
