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
        case send([UInt8])
        /// All is subscribed.
        case subscribed
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
    private var waiting: [Class]

    init(metrics: Bool) {
        waiting = metrics ? [.server, .metrics] : [.server]
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
            return subscribe()
        case (.authenticating, _): return .refuse("the server did not answer the authentication")
        case (.subscribing, Self.subscribeResponse):
            guard waiting.isEmpty else { return subscribe() }
            phase = .subscribed
            return .subscribed
        // Those of one class may come before the next is subscribed.
        case (_, .some): return .notification
        case (_, nil): return .refuse("the server sent an empty message")
        }
    }

    private mutating func subscribe() -> Action {
        .send(ProtobufFields.field(8, ProtobufFields.field(1, waiting.removeFirst().rawValue)))
    }
}
