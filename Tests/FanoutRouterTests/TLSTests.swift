import Egress
import NIOCore
import NIOSSL
import Testing

@testable import EventDelivery

@Suite(.serialized) struct TLSTests {
    private let authority: CertificateAuthority

    init() throws {
        authority = try CertificateAuthority()
    }

    private let resolver = EgressResolver(EgressGuard(allow: ["127.0.0.0/8", "::1/128"]))

    /// What one request to a TLS server comes to, and what the server got.
    private func result(
        host: String = "localhost", server: NIOSSLContext, client: NIOSSLContext?
    ) throws -> (outcome: AttemptOutcome, taken: Int) {
        let subscriber = try Subscriber(tls: server) { _, _ in .status(200) }
        let fixture = try EgressFixture("https://\(host):\(subscriber.port)/", resolver, tls: client)
        defer {
            fixture.stop()
            subscriber.stop()
        }
        return (try fixture.send().outcome, subscriber.ledger.all.count)
    }

    @Test func `a subscriber with a certificate of the authority that is trusted gets its events`() throws {
        let client = try ClientTLS.context(ca: authority.certificate)
        #expect(try result(server: try authority.server("DNS:localhost"), client: client).outcome.word == "delivered")
        let address = try authority.server("IP:127.0.0.1")
        #expect(try result(host: "127.0.0.1", server: address, client: client).outcome.word == "delivered")
    }

    @Test func `a certificate that nobody trusts, or for another name, is refused before anything is sent`() throws {
        let trusting = try ClientTLS.context(ca: authority.certificate)
        let server = try authority.server("DNS:localhost")
        let stranger = try ClientTLS.context(ca: try CertificateAuthority().certificate)
        for (host, client) in [("localhost", nil), ("localhost", stranger), ("127.0.0.1", trusting)] {
            let (outcome, taken) = try result(host: host, server: server, client: client)
            #expect(outcome.word == "tls_failed")
            #expect(taken == 0)
        }
    }

    @Test func `a subscriber that asks for a certificate gets the configured one, and events only with it`() throws {
        let server = try authority.server("DNS:localhost", asksForCertificate: true)
        let (ours, other) = (
            try authority.identity("DNS:tributary"), try CertificateAuthority().identity("DNS:tributary")
        )
        let client = try ClientTLS.context(ca: authority.certificate, certificate: ours.certificate, key: ours.key)
        #expect(try result(server: server, client: client).outcome.word == "delivered")
        for client in [
            try ClientTLS.context(ca: authority.certificate),
            try ClientTLS.context(ca: authority.certificate, certificate: other.certificate, key: other.key),
        ] {
            let (outcome, taken) = try result(server: server, client: client)
            #expect(outcome.word == "tls_failed", "\(outcome)")
            #expect(taken == 0)
        }
    }

    @Test func `what is no certificate, no key, or does not belong together is said before anything is sent`() throws {
        let (one, two) = (try authority.identity("DNS:one"), try authority.identity("DNS:two"))
        let garbage = Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".utf8)
        let cases: [(ca: [UInt8]?, certificate: [UInt8]?, key: [UInt8]?, sentence: String)] = [
            (garbage, nil, nil, "ca holds no certificate"), ([], nil, nil, "ca holds no certificate"),
            (nil, garbage, one.key, "certificate holds no certificate"),
            (nil, one.certificate, garbage, "no private key"),
            (nil, one.certificate, nil, "needs its key"), (nil, nil, one.key, "needs its certificate"),
            (nil, one.certificate, two.key, "do not belong together"),
        ]
        for wrong in cases {
            let error = #expect(throws: ClientTLSError.self) {
                try ClientTLS.context(ca: wrong.ca, certificate: wrong.certificate, key: wrong.key)
            }
            #expect(error?.description.contains(wrong.sentence) == true, "\(error?.description ?? "")")
        }
    }

    @Test func `a server that says nothing to a handshake is a connection that was not made in time`() throws {
        let subscriber = try SilentServer()
        let fixture = try EgressFixture("https://localhost:\(subscriber.port)/", resolver)
        let outcome = try fixture.send(timeoutNanoseconds: 200_000_000).outcome
        #expect(outcome == .failed(.connectTimeout, "no TLS handshake within the time-out"))
        fixture.stop()
        subscriber.stop()
    }

    @Test func `a server that does not speak TLS is told apart`() throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try EgressFixture("https://localhost:\(subscriber.port)/", resolver)
        #expect(["tls_failed", "not_sent"].contains(try fixture.send().outcome.word))
        fixture.stop()
        subscriber.stop()
    }
}
