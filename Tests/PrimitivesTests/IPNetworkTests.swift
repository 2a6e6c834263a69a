import Primitives
import Testing

struct IPNetworkTests {
    private func contains(_ network: String, _ address: String) throws -> Bool {
        let network = try #require(IPNetwork(network), "\(network)")
        return IPAddress(address, ignoringZone: true).map { network.contains($0) } ?? false
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
            #expect(IPNetwork(text) == nil, "\(text)")
        }
    }

    @Test func `what is no address is nowhere`() throws {
        for address in ["", "x", "1.2.3.4, 5.6.7.8", "1.2.3.4:80", "[::1]", "1.2.3", "::\u{0}", "%eth0", " 1.2.3.4"] {
            #expect(try !contains("0.0.0.0/0", address) && !contains("::/0", address), "\(address)")
        }
    }

    @Test func `host bits are ignored where that is asked for`() throws {
        let network = try #require(IPNetwork("127.0.0.1/8", ignoringHostBits: true))
        #expect(network == IPNetwork("127.0.0.0/8"))
        #expect(IPNetwork("127.0.0.1/33", ignoringHostBits: true) == nil)
    }

    @Test func `an address has one value in every spelling, and a zone only where that is asked for`() throws {
        #expect(IPAddress("::ffff:10.1.2.3") == IPAddress("10.1.2.3"))
        #expect(IPAddress("10.1.2.3")?.bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 1, 2, 3])
        #expect(IPAddress("10.1.2.3")?.isV4 == true && IPAddress("::10.1.2.3")?.isV4 == false)
        #expect(IPAddress("fe80::1%eth0") == nil)
        #expect(IPAddress("fe80::1%eth0", ignoringZone: true) == IPAddress("fe80::1"))
        #expect(IPAddress("127.0.0.1\u{0}9") == nil)
    }

    @Test func `one table says what is global`() throws {
        for text in ["8.8.8.8", "192.31.195.255", "2606:4700::1", "64:ff9b::808:808"] {
            #expect(IPAddress(text)?.isGlobal == true, "\(text)")
        }
        for text in ["192.31.196.1", "192.88.99.1", "10.0.0.1", "2002:808:808::1", "2001::1", "fc00::1"] {
            #expect(IPAddress(text)?.isGlobal == false, "\(text)")
        }
    }
}
