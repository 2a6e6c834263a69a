/// Connections that watch the event log: WebSocket, server-sent events, long polls.
package struct PushConfiguration: Sendable {
    /// Origins of pages whose scripts may watch, such as `https://app.example.com`; no others.
    package var allowedOrigins: [String] = []
    package var maxConnections = 2000
    /// How long a connection may take nothing before it is closed.
    package var slowConsumer = Duration.seconds(10)
    /// What is buffered for one connection.
    package var bufferBytes = 64 * 1024
    package var ping = Duration.seconds(20)

    package init() {}

    static let table = FieldTable<PushConfiguration>(
        PushConfiguration.init,
        [
            Field(
                "allowed_origins", \.allowedOrigins, .list(of: origin, "origins"),
                "Pages whose scripts may watch, by their Origin; clients that send none are no pages."),
            Field("max_connections", \.maxConnections, .integer(0...100_000), "Connections that watch at once."),
            Field(
                "slow_consumer", \.slowConsumer, .duration(.milliseconds(100) ... .seconds(3600)),
                "A connection that takes nothing for so long is closed; it goes on where it was when it comes again."),
            Field(
                "buffer_bytes", \.bufferBytes, .integer(4096...(16 << 20)),
                "What waits in memory for one connection; one larger event is sent all the same.", effect: .restart),
            Field(
                "ping", \.ping, .duration(.seconds(1) ... .seconds(3600)),
                "How often a connection is asked whether anybody is there.", effect: .restart),
        ])

    private static let origin = FieldKind.text("an origin such as https://app.example.com", length: 8...256) {
        text throws(WrongText) in
        guard let url = try? EndpointURL(text), url.target == "/", !text.hasSuffix("/") else {
            throw .sentence("\"\(text)\" is no origin; write scheme, host and port, such as https://app.example.com")
        }
    }
}
