import NIOCore
import NIOHTTP1
import NIOSSL

/// What stands between a client's socket and its webhooks.
enum FrontPipeline {
    /// Builds the pipeline of one connection. On its event loop.
    static func build(_ pipeline: ChannelPipeline.SynchronousOperations, _ loop: FrontLoop) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = IngressLimits.headerBytes
        limits.maxHeaderListSize = IngressLimits.headerBytes + IngressLimits.requestLineBytes
        limits.maxHeaderFieldCount = IngressLimits.headerFields
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
        let tls = loop.tlsContext
        let connection = Connection(loop, isTLS: tls != nil)
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        try pipeline.addHandler(ConnectionGauge(connection))
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(connection)
    }
}
