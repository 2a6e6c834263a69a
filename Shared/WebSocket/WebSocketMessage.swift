package import NIOCore

/// One whole message, from whatever number of frames.
package enum WebSocketMessage: Sendable, Equatable {
    /// Valid UTF-8.
    case text(ByteBuffer)
    case binary(ByteBuffer)
}

/// Why a connection ends (RFC 6455, section 7.4; 1012 and 1013: IANA's registry).
package struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static let normal = WebSocketCloseCode(rawValue: 1000)
    package static let goingAway = WebSocketCloseCode(rawValue: 1001)
    package static let protocolError = WebSocketCloseCode(rawValue: 1002)
    package static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
    /// Never on the wire: the close frame had no code.
    package static let noCode = WebSocketCloseCode(rawValue: 1005)
    /// Never on the wire: the connection ended without a close frame.
    package static let abnormal = WebSocketCloseCode(rawValue: 1006)
    package static let invalidText = WebSocketCloseCode(rawValue: 1007)
    package static let policyViolation = WebSocketCloseCode(rawValue: 1008)
    package static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
    package static let internalError = WebSocketCloseCode(rawValue: 1011)
    package static let tryAgainLater = WebSocketCloseCode(rawValue: 1013)

    /// Whether it may stand in a close frame.
    var isSendable: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

/// Sent outbound as a user event: begins the closing handshake. What is written afterwards is dropped.
package struct WebSocketClose: Sendable {
    package let code: WebSocketCloseCode
    /// At most 123 bytes of UTF-8 are sent.
    package let reason: String

    package init(_ code: WebSocketCloseCode, _ reason: String = "") {
        self.code = code
        self.reason = reason
    }
}

/// Comes inbound as a user event, once: how the connection ended. No message comes behind it.
package struct WebSocketClosed: Sendable, Equatable {
    package let code: WebSocketCloseCode
    package let reason: String
    /// Whether this side began.
    package let isLocal: Bool
}

/// What a connection takes.
package struct WebSocketLimits: Sendable {
    /// Of one message, and of one frame.
    package var messageBytes: Int
    /// A ping goes out when nothing came in for so long; the connection ends when nothing came for two such times.
    package var pingInterval: TimeAmount
    /// How long the other side's close frame is awaited when ours is out.
    package var closeTimeout = TimeAmount.seconds(5)
    /// How long a close frame waits for the other side to read what stands before it.
    package var drainTimeout = TimeAmount.seconds(30)

    package init(messageBytes: Int, pingInterval: TimeAmount = .seconds(20)) {
        self.messageBytes = messageBytes
        self.pingInterval = pingInterval
    }
}
