import NIOCore

/// Stands before the parser: tells the connection of bytes before and after they are parsed, so that a head has a deadline
/// from its first byte.
final class ConnectionGauge: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

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
}
