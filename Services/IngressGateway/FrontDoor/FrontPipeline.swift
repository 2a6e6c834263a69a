import NIOCore
import NIOSSL

/// What stands between a client's socket and its webhooks.
enum FrontPipeline {
    /// Builds the pipeline of one connection. On its event loop.
    static func build(_ pipeline: ChannelPipeline.SynchronousOperations, _ loop: FrontLoop) throws {
        let tls = loop.tlsContext
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        try pipeline.addHandler(Connection(loop, isTLS: tls != nil))
    }
}
