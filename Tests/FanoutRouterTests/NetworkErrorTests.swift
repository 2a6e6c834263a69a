import Egress
import Glibc
import NIOCore
import NIOSSL
import Testing

@testable import EventDelivery

/// What is said of connections that fail: our sentences with the cause, not those of the libraries.
@Suite(.serialized) struct NetworkErrorTests {
    private static let resolver = EgressResolver(EgressGuard(allow: ["127.0.0.0/8", "::1/128"]))

    /// What one request comes to; the sentence shows nothing of libraries, sources or numbers of the system.
    private func outcome(
        _ url: String, tls: NIOSSLContext? = nil, resolver: EgressResolver = Self.resolver
    ) throws -> AttemptOutcome {
        let fixture = try EgressFixture(url, resolver, tls: tls)
        defer { fixture.stop() }
        let outcome = try fixture.send().outcome
        for foreign in ["errno", "error set", "NIO", "SSL", "Error", "Optional", ".swift", ".c:", "/Users", "IPv4]"] {
            #expect(!outcome.detail.contains(foreign), "\(outcome.detail)")
        }
        return outcome
    }

    @Test func `a port where nothing listens refuses the connection`() throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let port = subscriber.port
        subscriber.stop()
        let refused = "the connection was refused; nothing listens there"
        #expect(
            try outcome("http://127.0.0.1:\(port)/") == .failed(.connectFailed, "127.0.0.1:\(port): \(refused)"))
        let proxy = EgressProxy(host: "127.0.0.1", port: port)
        let resolver = EgressResolver(EgressGuard(allow: ["127.0.0.0/8"]), proxy: proxy)
        #expect(
            try outcome("http://127.0.0.1:1/", resolver: resolver)
                == .failed(.connectFailed, "the egress proxy: 127.0.0.1:\(port): \(refused)"))
    }

    @Test func `https on a plain port, and http on one for TLS, are told as what they are`() throws {
        let plain = try Subscriber { _, _ in .status(200) }
        let spoken = try outcome("https://localhost:\(plain.port)/")
        #expect(spoken.word == "tls_failed" && spoken.detail.contains("speak TLS"), "\(spoken)")
        plain.stop()
        let authority = try CertificateAuthority()
        let secure = try Subscriber(tls: try authority.server("DNS:localhost")) { _, _ in .status(200) }
        let unspoken = try outcome("http://localhost:\(secure.port)/")
        #expect(["response_malformed", "connection_closed"].contains(unspoken.word), "\(unspoken)")
        secure.stop()
    }

    @Test func `what is wrong with a certificate is said`() throws {
        let authority = try CertificateAuthority()
        let subscriber = try Subscriber(tls: try authority.server("DNS:localhost")) { _, _ in .status(200) }
        let url = "https://localhost:\(subscriber.port)/"
        #expect(try outcome(url).detail.hasPrefix("its certificate is not trusted: out of date, self-signed, or of an"))
        let trusting = try ClientTLS.context(ca: authority.certificate)
        #expect(
            try outcome("https://127.0.0.1:\(subscriber.port)/", tls: trusting)
                == .failed(.tlsFailed, "its certificate is for another host name"))
        subscriber.stop()
        let asking = try Subscriber(tls: try authority.server("DNS:localhost", asksForCertificate: true)) { _, _ in
            .status(200)
        }
        let bare = try outcome("https://localhost:\(asking.port)/", tls: trusting)
        #expect(bare.word == "tls_failed" && bare.detail.contains("client certificate"), "\(bare)")
        asking.stop()
    }

    @Test func `a subscriber that closes or talks nonsense is told apart`() throws {
        for (answer, word, part) in [
            (Subscriber.Answer.close, "connection_closed", "the connection"),
            (.garbage, "response_malformed", "the answer is not HTTP/1.1; is the port one for https?"),
        ] {
            let subscriber = try Subscriber { _, _ in answer }
            let outcome = try outcome(subscriber.url)
            #expect(outcome.word == word && outcome.detail.contains(part), "\(outcome)")
            subscriber.stop()
        }
    }

    @Test(arguments: [
        (EAI_NONAME, "the name does not exist or has no address"), (-5, "the name does not exist or has no address"),
        (EAI_AGAIN, "the name servers do not answer at present"), (EAI_FAIL, "the name servers cannot answer"),
    ])
    func `what a lookup came to is said`(status: CInt, sentence: String) {
        #expect(NetworkErrorText.text(lookup: status) == sentence)
    }

    @Test func `every number of the system and every error of a library has a sentence of ours`() {
        for errno in [
            ECONNREFUSED, ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EACCES, EPERM,
            EMFILE, ENFILE, ENOBUFS, EAFNOSUPPORT,
        ] {
            let error = IOError(errnoCode: errno, reason: "connection reset (error set)")
            let text = NetworkErrorText.text(error)
            #expect(!text.contains("error set") && !text.contains("the system says") && !text.isEmpty)
        }
        #expect(NetworkErrorText.text(IOError(errnoCode: EDOM, reason: "x")).hasPrefix("the system says "))
        #expect(NetworkErrorText.text(ChannelError.connectTimeout(.seconds(1))) == "not connected within the time-out")
        #expect(NetworkErrorText.text(ChannelError.ioOnClosedChannel) == "the connection was closed")
        #expect(NetworkErrorText.text(NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake]))).contains("TLS"))
        #expect(NetworkErrorText.text(NIOSSLError.unableToValidateCertificate) == "TLS failed")
        #expect(NetworkErrorText.text(CancellationError()) == "unexpected: CancellationError")
    }

    @Test(arguments: [
        ("https://new.example/events", "https://new.example/events"),
        ("/elsewhere", "/elsewhere"), ("//host/x", "//host/x"),
        ("https://user:pass@new.example:8443/e", "https://[redacted]@new.example:8443/e"),
        ("https://a@b:c@new.example/e?token=abc#frag", "https://[redacted]@new.example/e?[redacted]"),
        ("https:/user:pass@new.example/e", "https:/[redacted]@new.example/e"),
        ("https://new.example/e#access_token=1", "https://new.example/e?[redacted]"),
        ("https://new.example/e;jsessionid=1", "https://new.example/e?[redacted]"),
        ("https://new.example/\u{1B}[31m\u{FC}\t\"", "https://new.example/?[redacted]"),
        ("", ""),
        (
            "https://new.example/" + String(repeating: "x", count: 400),
            "https://new.example/" + String(repeating: "x", count: 280) + "…"
        ),
    ])
    func `where a redirect leads is shown without secrets, control characters and end`(text: String, shown: String) {
        #expect(RedirectLocation.shown(text) == shown)
    }

    @Test(arguments: [301, 302, 303, 307, 308]) func `an attempt keeps where a redirect leads`(status: Int) throws {
        let subscriber = try Subscriber { _, _ in .status(status, [("location", "https://u:p@new.example/e?k=1")]) }
        let outcome = try outcome(subscriber.url)
        #expect(outcome.word == "redirect" && outcome.status == status)
        #expect(outcome.detail == "to https://[redacted]@new.example/e?[redacted], and redirects are not followed")
        #expect(outcome.reason == "status \(status): \(outcome.detail)")
        subscriber.stop()
    }
}
