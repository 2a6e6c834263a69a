import Glibc
package import NIOCore
import NIOSSL

/// What went wrong on the way to a subscriber, as a sentence part: what libraries say names their sources and not the
/// cause.
package enum NetworkErrorText {
    package static func text(_ error: any Error) -> String {
        switch error {
        case let error as IOError: text(errno: error.errnoCode)
        case ChannelError.connectTimeout: "not connected within the time-out"
        case is ChannelError: "the connection was closed"
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            "its certificate is for another host name"
        case NIOSSLError.uncleanShutdown: "the other side closed without an end of TLS"
        case NIOSSLError.noCertificateToValidate: "it has no certificate"
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: tlsText("\(error)")
        default: "unexpected: \(type(of: error))"
        }
    }

    /// The cause behind a number of the system.
    package static func text(errno: CInt) -> String {
        switch errno {
        case ECONNREFUSED: "the connection was refused; nothing listens there"
        case ECONNRESET, ECONNABORTED: "the connection was reset by the other side"
        case EPIPE, ENOTCONN: "the connection was closed by the other side"
        case ETIMEDOUT: "the other side does not answer"
        case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: "there is no way to the address"
        case EADDRNOTAVAIL: "this machine has no free port or no address of that kind to connect from"
        case EAFNOSUPPORT: "this machine does not speak the protocol of the address"
        case EACCES, EPERM: "this machine does not permit the connection; look at its firewall"
        case EMFILE, ENFILE: "this machine has no free file descriptor; raise the limit of open files"
        case ENOMEM, ENOBUFS: "this machine is out of memory for connections"
        default: "the system says \(String(cString: strerror(errno))) (\(errno))"
        }
    }

    /// The cause behind a status of `getaddrinfo`.
    package static func text(lookup status: CInt) -> String {
        switch status {
        case EAI_NONAME, noData, noFamily: "the name does not exist or has no address"
        case EAI_AGAIN: "the name servers do not answer at present"
        case EAI_FAIL: "the name servers cannot answer"
        case EAI_MEMORY: "this machine is out of memory"
        case EAI_SYSTEM: text(errno: errno)
        default: "the name cannot be looked up (\(status))"
        }
    }

    /// `EAI_NODATA` and `EAI_ADDRFAMILY`, which glibc keeps for GNU programs.
    private static let (noData, noFamily): (CInt, CInt) = (-5, -9)

    private static func tlsText(_ description: String) -> String {
        if let known = tlsCauses.first(where: { description.contains($0.word) }) { return known.text }
        // "error:10000410:SSL routines:OPENSSL_internal:<REASON> at <file of the build machine>"
        let reason = description.word(behind: "OPENSSL_internal:")
        return reason.isEmpty ? "TLS failed" : "TLS failed (\(reason.lowercased()))"
    }

    /// By the words of BoringSSL's reasons; the first that is found counts.
    private static let tlsCauses: [(word: String, text: String)] = [
        ("EOF during", "it closed the connection during the TLS handshake; does the port speak TLS?"),
        ("WRONG_VERSION_NUMBER", "the port does not speak TLS; is its URL http://?"),
        ("HTTP_REQUEST", "the port does not speak TLS; is its URL http://?"),
        (
            "CERTIFICATE_VERIFY_FAILED",
            "its certificate is not trusted: out of date, self-signed, or of an authority that is not known here"
        ),
        ("CERTIFICATE_REQUIRED", "it asks for a client certificate; the subscription's tls has none"),
        ("ALERT_UNKNOWN_CA", "it does not know the authority of our client certificate"),
        ("ALERT_BAD_CERTIFICATE", "it refuses our client certificate"),
        ("ALERT_UNSUPPORTED_CERTIFICATE", "it refuses our client certificate"),
        ("ALERT_CERTIFICATE", "it refuses our client certificate"),
        ("ALERT_ACCESS_DENIED", "it refuses our client certificate"),
        ("PROTOCOL_VERSION", "it speaks no version of TLS from 1.2 on"),
        ("UNSUPPORTED_PROTOCOL", "it speaks no version of TLS from 1.2 on"),
        ("UNRECOGNIZED_NAME", "it has no certificate for this host name"),
        (
            "HANDSHAKE_FAILURE",
            "it broke the TLS handshake off: no cipher or parameter in common, or no client certificate"
        ),
    ]
}

extension String {
    /// The word behind `marker`, up to the next blank; empty without it.
    fileprivate func word(behind marker: String) -> String {
        guard let found = ranges(of: marker).first else { return "" }
        return String(self[found.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" })
    }
}

extension SocketAddress {
    /// Address and port as in a URL.
    package var authority: String {
        let ip = ipAddress ?? ""
        return (ip.contains(":") ? "[\(ip)]" : ip) + ":\(port ?? 0)"
    }
}
