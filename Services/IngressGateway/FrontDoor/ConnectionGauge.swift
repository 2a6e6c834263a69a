import NIOCore

/// Stands before the parser: tells the connection of bytes before they are parsed, so that a head has a deadline from
/// its first byte, and keeps the parser from closing the channel before the last answer is out.
final class ConnectionGauge: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !connection.isClosing else { return }
        connection.bytesArrive()
        context.fireChannelRead(data)
        connection.bytesParsed()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output || connection.mayClose {
            context.close(mode: mode, promise: promise)
        } else {
            promise?.succeed()
        }
    }
}
