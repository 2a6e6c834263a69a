import NIOCore
import Primitives
import WebSocket

/// What a Fishjam server says and takes on its WebSocket (fishjam 0.6.3, `lib/fishjam_web/server_socket.ex`,
/// `fishjam/server_notifications.proto`): the decisions, without the connection.
///
/// Every message is a `ServerMessage`, whose variants are fields of one `oneof`: `authenticated` 6, `auth_request` 7,
/// `subscribe_request` 8, `subscribe_response` 9, `metrics_report` 12, `notification_batch` 33, all others announce something.
struct NotifierSession {
    /// A class of notifications: the values of `EventType`.
    enum Class: UInt64 {
        case serverNotification = 1
        case metrics = 2
    }

    enum Action: Equatable {
        /// The first message: whether the token counts decides `authenticated`.
        case authenticate(token: String)
        case subscribe(Class)
        case close(WebSocketCloseCode, String)
    }

    static let invalidToken = Action.close(.normal, "invalid token")
    static let invalidRequest = Action.close(.normal, "invalid auth request")
    static let notAllowed = Action.close(.unsupportedData, "operation not allowed")

    private(set) var isAuthenticated = false

    mutating func authenticated() { isAuthenticated = true }

    /// What follows from a message of the client's.
    func receive(_ message: WebSocketMessage) -> Action {
        guard case .binary(let bytes) = message else { return Self.notAllowed }
        return bytes.withUnsafeReadableBytes { bytes in
            let variant = Self.variant(bytes)
            guard isAuthenticated else {
                guard let variant, variant.number == 7 else { return Self.invalidRequest }
                let token = Self.first(variant.content)?.content
                return .authenticate(token: token.map { String(decoding: $0, as: UTF8.self) } ?? "")
            }
            guard let variant, variant.number == 8,
                let type = Self.first(variant.content)?.value,
                let wanted = Class(rawValue: type)
            else { return Self.notAllowed }
            return .subscribe(wanted)
        }
    }

    /// The class of a message that a provider sent; nil for what a server does not send to its subscribers: what belongs to
    /// the handshake, batches, which are for webhooks only, and what is no message at all.
    static func kind(of message: UnsafeRawBufferPointer) -> Class? {
        guard let variant = variant(message) else { return nil }
        return switch variant.number {
        case 6...9, 33: nil
        case 12: .metrics
        default: .serverNotification
        }
    }

    /// The first field of what is in a variant; the last of several, as decoders have it.
    private static func first(_ content: UnsafeRawBufferPointer) -> ProtobufFields.Field? {
        ProtobufFields(content).filter { $0.number == 1 }.last
    }

    /// The variant that counts: of several in one `oneof` the last.
    private static func variant(_ bytes: UnsafeRawBufferPointer) -> (number: Int, content: UnsafeRawBufferPointer)? {
        var (fields, found) = (ProtobufFields(bytes), Optional<(Int, UnsafeRawBufferPointer)>.none)
        while let field = fields.next() {
            if let content = field.content { found = (field.number, content) }
        }
        return fields.isAtEnd ? found : nil
    }
}

/// What goes to the client.
extension NotifierSession {
    static let authenticatedMessage = ProtobufFields.field(6, [])

    static func response(_ wanted: Class) -> [UInt8] {
        ProtobufFields.field(9, ProtobufFields.field(1, wanted.rawValue))
    }

    /// `json`: an object, which Fishjam's clients get as a text.
    static func report(_ json: [UInt8]) -> [UInt8] { ProtobufFields.field(12, ProtobufFields.field(1, json)) }
}
