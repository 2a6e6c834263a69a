import Events
import Testing
import WebhookSamples
import Wire

@testable import Providers

struct AddressNetworkTests {
    private func contains(_ network: String, _ address: String) throws -> Bool {
        let network = try #require(AddressNetwork(network), "\(network)")
        return Array(address.utf8).withUnsafeBytes { network.contains($0) }
    }

    @Test func `a network holds the addresses of its prefix, in either spelling`() throws {
        for (network, address, isInside) in [
            ("203.0.113.0/24", "203.0.113.0", true), ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.0/24", "203.0.114.0", false), ("203.0.113.0/24", "203.0.112.255", false),
            ("203.0.113.7", "203.0.113.7", true), ("203.0.113.7", "203.0.113.8", false),
            ("203.0.113.7/32", "203.0.113.7", true), ("203.0.113.6/31", "203.0.113.7", true),
            ("203.0.113.6/31", "203.0.113.5", false), ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false), ("0.0.0.0/0", "::ffff:1.2.3.4", true), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "::ffff:a01:203", true), ("10.0.0.0/8", "::10.1.2.3", false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true), ("::ffff:10.0.0.0/104", "11.1.2.3", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
            ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1", true), ("2001:db8::1/128", "2001:db8::2", false),
            ("2001:db8::/64", "2001:db8:0:0:ffff::", true), ("2001:db8::/64", "2001:db8:0:1::", false),
            ("2001:db8::8000:0:0:0/65", "2001:db8::8000:0:0:1", true),
            ("2001:db8::8000:0:0:0/65", "2001:db8::1", false), ("::/0", "1.2.3.4", true),
            ("::/0", "fe80::1%eth0", true),
            ("::1", "::1", true), ("::1", "127.0.0.1", false), ("127.0.0.0/8", "127.0.0.1", true),
        ] {
            #expect(try contains(network, address) == isInside, "\(address) in \(network)")
        }
    }

    @Test func `what is no network is refused`() {
        for text in [
            "", "x", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+1",
            "1.2.3.4/08",
            "1.2.3.4/24", "1.2.3.0/24/1", "::1/129", "::1/64", "2001:db8::g", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/ 8",
            "[::1]", "1.2.3.4:80", String(repeating: "1", count: 100), "::\u{0}", "1.2.3.4/1000",
        ] {
            #expect(AddressNetwork(text) == nil, "\(text)")
        }
    }

    @Test func `what is no address is nowhere`() throws {
        for address in ["", "x", "1.2.3.4, 5.6.7.8", "1.2.3.4:80", "[::1]", "1.2.3", "::\u{0}", "%eth0", " 1.2.3.4"] {
            #expect(try !contains("0.0.0.0/0", address) && !contains("::/0", address), "\(address)")
        }
    }

    private func outcome(_ addresses: [String], from peer: String?, tokens: SourceKeys? = nil) throws
        -> VerificationOutcome
    {
        var verification = SourceVerification(source: "s", scheme: .none)
        verification.addresses = addresses
        verification.pathTokens = tokens
        let fields = peer.map { [(name: RequestHead.peer, value: $0)] } ?? []
        let request = SignedRequest(fields: fields, query: "", pathToken: nil)
        return try SignedVector(verification, request, body: [1], atNanoseconds: 1).outcome()
    }

    @Test func `a source with networks takes webhooks from nowhere else`() throws {
        let networks = ["203.0.113.0/24", "2001:db8::/32"]
        #expect(try outcome(networks, from: "203.0.113.9") == .verified(keyID: "203.0.113.0/24"))
        #expect(try outcome(networks, from: "::ffff:203.0.113.9") == .verified(keyID: "203.0.113.0/24"))
        #expect(try outcome(networks, from: "2001:db8::1") == .verified(keyID: "2001:db8::/32"))
        for peer in ["203.0.114.1", "::1", "", nil, "unix"] {
            guard case .refused(let code, _) = try outcome(networks, from: peer) else {
                Issue.record("\(peer ?? "nobody") was let in")
                continue
            }
            #expect(code == .addressNotAllowed && VerificationOutcome.httpStatus(for: code) == 403)
        }
        // What is written wrong lets nobody in.
        guard case .refused = try outcome(["203.0.113.1/24"], from: "203.0.113.1") else {
            Issue.record("a wrong network let somebody in")
            return
        }
    }

    @Test func `address and path token must both be right, and the token names the proof`() throws {
        let tokens = SourceKeys([SourceKey(id: "t", bytes: Array("secret".utf8))])
        guard case .refused(.tokenMissing, _) = try outcome(["::/0"], from: "1.2.3.4", tokens: tokens) else {
            Issue.record("no token was asked for")
            return
        }
        guard case .refused(.addressNotAllowed, _) = try outcome(["::1"], from: "1.2.3.4", tokens: tokens) else {
            Issue.record("the address was not looked at")
            return
        }
    }
}
