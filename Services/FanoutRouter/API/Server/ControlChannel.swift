import HTTPFront
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import ServerCertificates

/// Connections of the control API: TLS where it is configured, then the strict front that every listener has in place of
/// the server library's own decoder. Each takes the certificate that counts when it begins, so that a new one needs no
/// restart and cuts nothing off.
struct ControlChannel: ServerChildChannel {
    let base: HTTP1Channel
    let rules: FrontConnection.Rules
    let tls: ServerTLS?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        channel.eventLoop.makeCompletedFuture {
            if let tls {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context))
            }
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }.flatMapThrowing { value in
            // The decoder is gone before the channel is registered, so it never sees a byte.
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(FrontConnection(rules), position: .after(decoder))
            pipeline.removeHandler(decoder, promise: nil)
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
