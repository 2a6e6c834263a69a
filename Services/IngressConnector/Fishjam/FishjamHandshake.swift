import Primitives

/// What is said on a WebSocket of Fishjam's before notifications come, as the client (fishjam 0.6.3,
/// `lib/fishjam_web/server_socket.ex`): authentication, then a subscription for each class of them. All of it are members of
/// `ServerMessage`'s oneof (`fishjam/server_notifications.proto`), of which four are written and told apart here by their
/// tags: `authenticated` 6, `auth_request` 7, `subscribe_request` 8, `subscribe_response` 9.
struct FishjamHandshake {
    /// A class of notifications: the values of `EventType`.
    enum Class: UInt64 {
        case server = 1
        case metrics = 2
    }

    enum Action: Equatable {
        case send([[UInt8]])
        /// Notifications come from now on.
        case subscribed
        /// Another class of them comes, too.
        case none
        /// What came is a notification.
        case notification
        /// The server does not speak as it should.
        case refuse(String)
    }

    private enum Phase {
        case authenticating
        case subscribing
        case subscribed
    }

    private static let authenticated: UInt8 = 6 << 3 | 2
    private static let subscribeResponse: UInt8 = 9 << 3 | 2

    private var phase = Phase.authenticating
    private let classes: [Class]

    init(metrics: Bool) {
        classes = metrics ? [.server, .metrics] : [.server]
    }

    /// The first message of the connection.
    static func request(token: [UInt8]) -> [UInt8] {
        ProtobufFields.field(7, ProtobufFields.field(1, token))
    }

    /// What follows from a message that begins with this byte; nil: it is empty.
    mutating func receive(_ first: UInt8?) -> Action {
        switch (phase, first) {
        case (.authenticating, Self.authenticated):
            phase = .subscribing
            return .send(classes.map { ProtobufFields.field(8, ProtobufFields.field(1, $0.rawValue)) })
        case (.authenticating, _): return .refuse("the server did not answer the authentication")
        // Those of the first class may come before the next one is subscribed.
        case (.subscribing, Self.subscribeResponse):
            phase = .subscribed
            return .subscribed
        case (.subscribed, Self.subscribeResponse): return .none
        case (.subscribing, .some): return .refuse("the server did not answer the subscription")
        case (.subscribed, .some): return .notification
        case (_, nil): return .refuse("the server sent an empty message")
        }
    }

    /// Why the server ended the connection, in a sentence. It closes with 1000 and these words where the token is another
    /// one than its `FJ_SERVER_API_TOKEN`.
    func sentence(closedWith code: UInt16, _ reason: String) -> String {
        if phase == .authenticating, reason.contains("invalid token") {
            return "the server does not know the token (\(reason)); `token` has to be its API token"
        }
        return "the connection was closed with \(code)" + (reason.isEmpty ? "" : ": \(reason)")
    }
}
