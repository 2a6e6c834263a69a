import Primitives
import Testing

@testable import IngressGateway

@Suite(.serialized) struct PseudoFieldTests {
    @Test func `path token, query and client address travel in the head`() throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send(post("/in/stream/t%2Fx?token=a%20b&x=1") + post("/in/stream?") + post("/in/stream"))
        for _ in 0..<3 { #expect(client.answer()?.status == 202) }
        let fields = test.bus.webhooks.map(\.fields)
        #expect(fields.map { $0[":token"] } == ["t%2Fx", nil, nil])
        #expect(fields.map { $0[":query"] } == ["token=a%20b&x=1", nil, nil])
        #expect(fields.map { $0[":peer"] } == ["127.0.0.1", "127.0.0.1", "127.0.0.1"])
    }

    @Test(arguments: [
        ":token: stolen", ":path: stolen", ":query: token=stolen", ":peer: 203.0.113.7", " :token: stolen",
    ])
    func `no client can send a pseudo-field`(_ field: String) throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send(post(fields: "\(field)\r\n"))
        #expect(client.answersToEnd().map(\.status) == [400])
        #expect(test.bus.webhooks.isEmpty)
    }

    @Test func `X-Forwarded-For counts only behind a trusted proxy`() throws {
        let direct = try TestIngress()
        let client = direct.connect()
        client.send(post(fields: "X-Forwarded-For: 203.0.113.7\r\n"))
        #expect(client.answer()?.status == 202)
        #expect(direct.bus.webhooks.first?.fields[":peer"] == "127.0.0.1")

        let proxied = try TestIngress(trustedProxies: ["127.0.0.0/8", "10.0.0.0/8"])
        let proxy = proxied.connect()
        for value in ["203.0.113.7", "1.1.1.1, 203.0.113.7, 10.1.2.3", "x"] {
            proxy.send(post(fields: "X-Forwarded-For: \(value)\r\n"))
            #expect(proxy.answer()?.status == 202)
        }
        proxy.send(post(fields: "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 203.0.113.9\r\n"))
        #expect(proxy.answer()?.status == 202)
        let peers = proxied.bus.webhooks.map { $0.fields[":peer"] }
        #expect(peers == ["203.0.113.7", "203.0.113.7", "127.0.0.1", "203.0.113.9"])
    }

    @Test(arguments: [
        ("", "10.0.0.1"), ("203.0.113.7", "203.0.113.7"), ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:80", "2001:db8::1"), ("2001:db8::1", "2001:db8::1"), ("203.0.113.7, 10.0.0.2", "203.0.113.7"),
        // Everything is a proxy: the farthest one.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        // What a proxy wrote is no address: nothing before it is believed.
        ("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"), ("203.0.113.7, 0.0.0.0/0", "10.0.0.1"),
        ("203.0.113.7, , 198.51.100.1", "198.51.100.1"),
    ])
    func `the client is the rightmost address that is no trusted proxy`(_ field: String, _ client: String) {
        let addresses = ClientAddresses(trusted: [IPNetwork("10.0.0.0/8")].compactMap { $0 })
        #expect(addresses.client(forwardedFor: field.isEmpty ? [] : [field], from: "10.0.0.1") == client)
    }
}
