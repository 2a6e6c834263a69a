import Egress
import NIOCore
import Testing

@testable import EventDelivery

/// Deliveries through an egress proxy.
@Suite(.serialized) struct ProxyTests {
    private func resolver(
        _ port: Int, host: String = "127.0.0.1", username: String = "", password: String = "",
        lookups: NameLookups = NameLookups()
    ) -> EgressResolver {
        EgressResolver(
            EgressGuard(allow: ["127.0.0.0/8"]),
            proxy: EgressProxy(host: host, port: port, username: Array(username.utf8), password: Array(password.utf8)),
            lookups: lookups)
    }

    @Test func `an http subscriber is reached at exactly the address that was checked, over one tunnel`() throws {
        let (proxy, subscriber) = (try ConnectProxy(), try Subscriber { _, _ in .status(200) })
        let names = try NameServer { _, time in [time == 1 ? "127.0.0.1" : "10.0.0.1"] }
        let fixture = try EgressFixture(
            "http://app.example:\(subscriber.port)/", resolver(proxy.port, lookups: names.lookups()))
        for _ in 0..<3 { #expect(try fixture.send().outcome.word == "delivered") }
        #expect(
            proxy.heads == [
                "CONNECT 127.0.0.1:\(subscriber.port) HTTP/1.1\r\nhost: 127.0.0.1:\(subscriber.port)\r\n\r\n"
            ])
        #expect(
            subscriber.ledger.all.map { $0.header("host") }
                == Array(repeating: "app.example:\(subscriber.port)", count: 3))
        #expect(subscriber.ledger.connectionCount == 1)
        fixture.stop()
        proxy.stop()
        names.stop()
        subscriber.stop()
    }

    @Test func `an https subscriber speaks TLS end to end, and its own name counts`() throws {
        let authority = try CertificateAuthority()
        let client = try ClientTLS.context(ca: authority.certificate)
        let names = try NameServer { _, _ in ["127.0.0.1"] }
        let proxy = try ConnectProxy()
        for (name, word) in [("app.example", "delivered"), ("other.example", "tls_failed")] {
            let subscriber = try Subscriber(tls: try authority.server("DNS:\(name)")) { _, _ in .status(200) }
            let fixture = try EgressFixture(
                "https://app.example:\(subscriber.port)/", resolver(proxy.port, lookups: names.lookups()), tls: client)
            #expect(try fixture.send().outcome.word == word)
            #expect(proxy.heads.last?.hasPrefix("CONNECT 127.0.0.1:\(subscriber.port) HTTP/1.1\r\n") == true)
            fixture.stop()
            subscriber.stop()
        }
        proxy.stop()
        names.stop()
    }

    @Test func `an https subscriber named by its address is refused, because the proxy's is all that could be checked`()
        throws
    {
        let proxy = try ConnectProxy()
        let fixture = try EgressFixture("https://127.0.0.1:1/", resolver(proxy.port))
        let outcome = try fixture.send().outcome
        #expect(outcome.word == "tls_failed")
        #expect(outcome.detail.contains("use a host name"))
        #expect(proxy.heads == [])
        fixture.stop()
        proxy.stop()
    }

    @Test func `the proxy is never asked for an address that is refused`() throws {
        let proxy = try ConnectProxy()
        let names = try NameServer { _, _ in ["10.0.0.1"] }
        for url in ["https://app.example/", "https://10.0.0.1/", "http://8.8.8.8/", "https://[::ffff:10.0.0.1]/"] {
            let fixture = try EgressFixture(url, resolver(proxy.port, lookups: names.lookups()))
            #expect(try fixture.send().outcome.word == "address_refused")
            fixture.stop()
        }
        #expect(proxy.heads == [])
        proxy.stop()
        names.stop()
    }

    @Test func `the proxy gets its credentials, and the subscriber does not`() throws {
        let (proxy, subscriber) = (try ConnectProxy(), try Subscriber { _, _ in .status(200) })
        let fixture = try EgressFixture(
            subscriber.url, resolver(proxy.port, username: "Aladdin", password: "open sesame"))
        #expect(try fixture.send().outcome.word == "delivered")
        #expect(proxy.heads[0].contains("\r\nproxy-authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"))
        #expect(subscriber.ledger.all[0].header("proxy-authorization") == nil)
        fixture.stop()
        proxy.stop()
        subscriber.stop()
    }

    @Test(arguments: [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\nsecret", "407 Proxy Authentication Required (see the cred"),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\n\r\nsecret", "403 Forbidden"),
        ("HTTP/1.0 502 Bad Gateway\r\n\r\n", "502 Bad Gateway"), ("HTTP/1.1 302 Found\r\n\r\n", "302 Found"),
        ("220 smtp.example ESMTP\r\n\r\n", "not HTTP"),
        ("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "bytes of its own"),
        (String(repeating: "x", count: 9000), "no end"),
    ])
    func `a refusal of the proxy is a connection that failed, and no answer of the subscriber`(
        reply: String, detail: String
    ) throws {
        let proxy = try ConnectProxy { _ in .text(reply) }
        let fixture = try EgressFixture("http://127.0.0.1:1/", resolver(proxy.port))
        let result = try fixture.send()
        #expect(result.outcome.word == "connect_failed")
        #expect(result.outcome.detail.hasPrefix("the egress proxy made no connection: "), "\(result.outcome.detail)")
        #expect(result.outcome.detail.contains(detail), "\(result.outcome.detail)")
        #expect(result.answer == [])
        fixture.stop()
        proxy.stop()
    }

    @Test func `a proxy that closes, says nothing, or is not there is told apart`() throws {
        let closing = try ConnectProxy { _ in .close }
        var fixture = try EgressFixture("http://127.0.0.1:1/", resolver(closing.port))
        #expect(try fixture.send().outcome.word == "connect_failed")
        fixture.stop()
        closing.stop()
        fixture = try EgressFixture("http://127.0.0.1:1/", resolver(closing.port))
        let outcome = try fixture.send().outcome
        #expect(outcome.word == "connect_failed")
        #expect(outcome.detail.hasPrefix("the egress proxy: "), "\(outcome.detail)")
        fixture.stop()
        let silent = try ConnectProxy { _ in .silence }
        fixture = try EgressFixture("http://127.0.0.1:1/", resolver(silent.port))
        #expect(try fixture.send(timeoutNanoseconds: 200_000_000).outcome.word == "connect_timeout")
        fixture.stop()
        silent.stop()
    }

    @Test func `a proxy without an address is a connection that failed`() throws {
        let names = try NameServer { _, _ in [] }
        let fixture = try EgressFixture(
            "http://127.0.0.1:1/", resolver(1, host: "proxy.example", lookups: names.lookups()))
        let outcome = try fixture.send().outcome
        #expect(outcome.word == "connect_failed")
        #expect(outcome.detail.hasPrefix("the egress proxy is unknown"), "\(outcome.detail)")
        fixture.stop()
        names.stop()
    }

    @Test func `a subscriber without an address is not asked for`() throws {
        let proxy = try ConnectProxy()
        let none = NameLookups { _ in .success([]) }
        let fixture = try EgressFixture("http://app.example/", resolver(proxy.port, lookups: none))
        #expect(try fixture.send().outcome.word == "name_not_resolved")
        #expect(proxy.heads == [])
        fixture.stop()
        proxy.stop()
    }

    @Test func `what the subscriber does behind the proxy is its own`() throws {
        let answers: [Subscriber.Answer] = [.status(503), .close, .garbage]
        let (proxy, subscriber) = (try ConnectProxy(), try Subscriber { number, _ in answers[(number - 1) % 3] })
        let fixture = try EgressFixture(subscriber.url, resolver(proxy.port))
        #expect(try fixture.send().outcome == .answered(status: 503, retryAfterSeconds: nil))
        // The kept connection was closed under the request; it went out again, on a new one.
        #expect(try fixture.send().outcome.word == "response_malformed")
        fixture.stop()
        proxy.stop()
        subscriber.stop()
    }
}
