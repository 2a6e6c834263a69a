import LibCrypto
import NIOCore
import NIOHTTP1
import Primitives

/// The opening handshake of a WebSocket, the server's side (RFC 6455, section 4.2).
struct WebSocketUpgrade {
    /// What was agreed on; nil where the client offered none.
    let subprotocol: String?
    /// 101 with its fields.
    let answer: ByteBuffer

    private static let suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// Throws where the request is no handshake, or offers nothing that the endpoint speaks.
    init(_ head: HTTPRequestHead, _ endpoint: WebSocketEndpoint) throws(APIProblem) {
        func field(_ name: String) -> String { head.headers.joined(name) ?? "" }
        guard head.method == .GET, field("upgrade").lowercased() == "websocket" else {
            throw APIProblem(.badRequest, "a WebSocket is opened here: Upgrade: websocket is missing")
        }
        guard field("sec-websocket-version") == "13" else {
            throw APIProblem(
                .badRequest, "Sec-WebSocket-Version must be 13", fields: [("sec-websocket-version", "13")])
        }
        let key = Array(field("sec-websocket-key").utf8)
        guard key.withUnsafeBytes({ Base64.decode($0) })?.count == 16 else {
            throw APIProblem(.badRequest, "Sec-WebSocket-Key must be 16 bytes in base64")
        }
        let offered = field("sec-websocket-protocol").split(separator: ",").map {
            $0.filter { $0 != " " && $0 != "\t" }
        }
        subprotocol = offered.first { endpoint.subprotocols.contains($0) }
        guard subprotocol != nil || offered.isEmpty else {
            throw APIProblem(
                .badRequest,
                "none of the subprotocols is spoken here; known are "
                    + endpoint.subprotocols.joined(separator: ", "))
        }
        let accept = (key + Array(Self.suffix.utf8)).withUnsafeBytes { SHA1Digest.of($0) }
            .withUnsafeBytes { Base64.encode($0) }
        var answer = ByteBuffer()
        answer.writeString(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                + "sec-websocket-accept: \(accept)\r\n")
        if let subprotocol { answer.writeString("sec-websocket-protocol: \(subprotocol)\r\n") }
        answer.writeString("\r\n")
        self.answer = answer
    }
}
