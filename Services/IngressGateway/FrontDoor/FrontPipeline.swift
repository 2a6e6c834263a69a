import HTTPFront
import NIOCore
import NIOSSL

/// What stands between a client's socket and its webhooks.
enum FrontPipeline {
    /// Builds the pipeline of one connection. On its event loop.
    static func build(_ pipeline: ChannelPipeline.SynchronousOperations, _ loop: FrontLoop) throws {
        let tls = loop.tlsContext
        let connection = Connection(loop, isTLS: tls != nil)
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        try pipeline.addHandler(ConnectionGauge(connection))
        try pipeline.addHandler(RequestDecoder(limits: IngressLimits.head))
        try pipeline.addHandler(connection)
    }
}
