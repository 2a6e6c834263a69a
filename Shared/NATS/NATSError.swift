internal import CNATS

/// Why a connection was not made, or did not take a publication.
package struct NATSError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// Nobody answers there, or the connection broke.
        case unreachable
        case timeout
        /// The server does not take the client's credentials.
        case accessDenied
        /// TLS did not come about, or is wanted by one side alone.
        case tlsFailed
        /// Larger than the server takes.
        case tooLarge
        /// The connection is gone.
        case lost
        /// Anything else.
        case refused
    }

    package let code: Code
    package let sentence: String
    package var description: String { sentence }

    package init(_ code: Code, _ sentence: String) {
        (self.code, self.sentence) = (code, sentence)
    }

    /// `what`: what failed or where.
    init(_ status: natsStatus, _ what: String) {
        code =
            switch status {
            case NATS_NO_SERVER, NATS_IO_ERROR, NATS_SYS_ERROR, NATS_PROTOCOL_ERROR: .unreachable
            case NATS_TIMEOUT: .timeout
            case NATS_CONNECTION_AUTH_FAILED, NATS_NOT_PERMITTED: .accessDenied
            case NATS_SSL_ERROR, NATS_SECURE_CONNECTION_WANTED, NATS_SECURE_CONNECTION_REQUIRED: .tlsFailed
            case NATS_MAX_PAYLOAD: .tooLarge
            case NATS_CONNECTION_CLOSED, NATS_CONNECTION_DISCONNECTED, NATS_STALE_CONNECTION: .lost
            default: .refused
            }
        sentence = "\(what): \(String(cString: natsStatus_GetText(status)).lowercased())"
    }

    static func check(_ status: natsStatus, _ what: String) throws(NATSError) {
        guard status == NATS_OK else { throw NATSError(status, what) }
    }
}
