internal import AsyncHTTPClient
import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// Why a request got no answer.
package struct HTTPFailure: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// Nobody listens there.
        case notReachable
        /// Somebody may listen there, but not for this user.
        case notPermitted
        /// Somebody listens there, but TLS did not come about: nothing was sent.
        case notTrusted
        /// The request may or may not have been carried out.
        case noAnswer
        case brokenAnswer
    }

    package let code: Code
    package let sentence: String

    package init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    package var description: String { sentence }

    /// What an error of the client means; `place` is where it tried to connect to.
    init(_ error: any Error, place: String) {
        switch error {
        case let error as IOError: self.init(error, place: place)
        case let error as NIOConnectionError:
            guard let last = error.connectionErrors.last?.error else {
                self.init(.notReachable, "the host \(error.host) has no address")
                return
            }
            if let last = last as? IOError {
                self.init(last, place: "\(error.host):\(error.port)")
            } else {
                self.init(.notReachable, "nothing answers on \(error.host):\(error.port): no connection in time")
            }
        case SocketAddressError.unixDomainSocketPathTooLong:
            self.init(.notReachable, "\(place) is too long for a Unix socket")
        case let error as HTTPClientError: self.init(error, place: place)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: self.init(.notTrusted, Self.tlsReason(error))
        case HTTPParserError.invalidEOFState:
            self.init(.noAnswer, "the connection was closed before the answer was complete")
        case is HTTPParserError: self.init(.brokenAnswer, "the answer is not HTTP/1.1: \(error)")
        default: self.init(.noAnswer, "the connection broke: \(error)")
        }
    }

    private init(_ error: HTTPClientError, place: String) {
        switch error {
        case .connectTimeout: self.init(.notReachable, "nothing answers on \(place): no connection in time")
        case .tlsHandshakeTimeout: self.init(.notTrusted, "no TLS with \(place): no handshake in time")
        case .readTimeout, .deadlineExceeded: self.init(.noAnswer, "no answer in time")
        case .remoteConnectionClosed:
            self.init(.noAnswer, "the connection was closed before the answer was complete")
        default: self.init(.noAnswer, "the connection broke: \(error)")
        }
    }

    private init(_ error: IOError, place: String) {
        let reason = String(cString: strerror(error.errnoCode))
        switch error.errnoCode {
        case EACCES, EPERM: self.init(.notPermitted, "\(place): \(reason)")
        case EPIPE, ECONNRESET: self.init(.noAnswer, reason)
        default: self.init(.notReachable, "nothing answers on \(place): \(reason)")
        }
    }

    /// The two usual reasons in words, others as the library says them.
    private static func tlsReason(_ error: any Error) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "its certificate comes from no authority that is trusted here, or has expired"
        }
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "its certificate is for another name"
        }
        // "error:10000410:SSL routines:OPENSSL_internal:<REASON> at <file of the build machine>:<line>"
        guard let reason = text.split(separator: "OPENSSL_internal:").dropFirst().first?.prefix(while: { $0 != " " })
        else { return text }
        return "TLS failed (\(reason.lowercased()))"
    }
}
