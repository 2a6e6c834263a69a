import Egress
import Primitives
import Testing

@testable import EventDelivery

@Suite struct EgressTests {
    @Test(arguments: Forbidden.all)
    func `an address that is not global is refused`(text: String) throws {
        let egress = EgressGuard(allow: [])
        #expect(!egress.permits(try #require(IPAddress(text))))
        #expect(!egress.permitsHTTP(to: try #require(IPAddress(text))))
    }

    @Test(arguments: [
        "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.1", "126.255.255.255",
        "128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.1", "192.0.1.0", "192.0.3.0",
        "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "203.0.112.255",
        "223.255.255.255", "::ffff:8.8.8.8", "2000::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1",
        "2003::1", "2606:4700:4700::1111", "2a00:1450::1", "2a00:1450::5efe:808:808", "3ffe:ffff::1", "3fff:1000::1",
        "64:ff9b::808:808",
    ])
    func `a global address is allowed`(text: String) throws {
        #expect(EgressGuard(allow: []).permits(try #require(IPAddress(text))))
    }

    @Test func `what the configuration allows is allowed in every spelling, and nothing beside it`() throws {
        let egress = EgressGuard(allow: ["127.0.0.0/8", "::1/128", "10.1.2.0/23"])
        for text in [
            "127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.1", "10.1.3.255", "64:ff9b::a01:201",
        ] {
            #expect(egress.permits(try #require(IPAddress(text))), "\(text)")
            #expect(egress.permitsHTTP(to: try #require(IPAddress(text))), "\(text)")
        }
        for text in ["10.1.4.0", "10.1.1.255", "::2", "192.168.0.1", "2002:a01:201::1", "::10.1.2.1"] {
            #expect(!egress.permits(try #require(IPAddress(text))), "\(text)")
        }
    }

    @Test func `unencrypted requests go where the configuration says, and nowhere else`() throws {
        let global = try #require(IPAddress("8.8.8.8"))
        #expect(!EgressGuard(allow: []).permitsHTTP(to: global))
        #expect(EgressGuard(allow: ["8.8.8.0/24"]).permitsHTTP(to: global))
        #expect(EgressGuard(allow: [], allowHTTP: true).permitsHTTP(to: global))
        let fixture = try EgressFixture("http://8.8.8.8/")
        let outcome = try fixture.send().outcome
        #expect(outcome.word == "address_refused")
        #expect(outcome.detail.contains("router.allow_http"), "\(outcome.detail)")
        fixture.stop()
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect is an answer, and never followed`(status: Int) throws {
        let trap = try Tripwire()
        let subscriber = try Subscriber { _, _ in .status(status, [("location", "http://127.0.0.1:\(trap.port)/")]) }
        let fixture = try EgressFixture(subscriber.url, allow: ["127.0.0.0/8"])
        let outcome = try fixture.send().outcome
        #expect(outcome.word == "redirect" && outcome.status == status)
        #expect(try fixture.send().outcome.word == "redirect")
        #expect(trap.count == 0)
        fixture.stop()
        subscriber.stop()
        trap.stop()
    }

    @Test func `the first KiB of an answer's body is kept, whatever comes behind it`() throws {
        for (bytes, kept) in [(0, 0), (2, 2), (1024, 1024), (5000, 1024), (200_000, 1024)] {
            let subscriber = try Subscriber { _, _ in .large(bytes) }
            let fixture = try EgressFixture(subscriber.url, allow: ["127.0.0.0/8"])
            for _ in 0..<2 {
                let result = try fixture.send()
                #expect(result.outcome.word == "delivered")
                #expect(result.answer == [UInt8](repeating: 0x20, count: kept))
            }
            fixture.stop()
            subscriber.stop()
        }
    }
}

/// Addresses of every range that is not global: its first, its last, or one inside.
enum Forbidden {
    static let v4 = [
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1",
        "127.255.255.254", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.170",
        "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7",
        "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    ]

    static let v6 = [
        "::", "::1", "64:ff9b:1::1", "64:ff9b:1::808:808", "100::1", "100:0:0:1::1", "2001::1", "2001:2::1",
        "2001:10::1", "2001:20::1", "2001:30::1", "2001:db8::1", "2620:4f:8000::1", "3fff::1", "3fff:fff:ffff::1",
        "4000::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
    ]

    /// What wraps an IPv4 address: mapped, compatible, translated, NAT64, 6to4, Teredo (by its server, and by its
    /// client, whose bits are inverted), ISATAP.
    static let wrapped = v4.flatMap { text -> [String] in
        let hex = hex(text)
        let inverted = hexText(bytes(text).map { ~$0 })
        return [
            "::ffff:\(text)", "::\(text)", "::ffff:0:\(hex)", "64:ff9b::\(hex)", "64:ff9b:1::\(hex)", "2002:\(hex)::1",
            "2001:0:\(hex)::1", "2001:0:4136:e378:8000:63bf:\(inverted)", "2a00:1450::5efe:\(hex)",
            "2a00:1450::200:5efe:\(hex)",
        ]
    }

    static let all = v4 + v6 + wrapped

    static func bytes(_ v4: String) -> [UInt8] { v4.split(separator: ".").compactMap { UInt8($0) } }

    /// `7f00:1` for 127.0.0.1.
    static func hex(_ v4: String) -> String { hexText(bytes(v4)) }

    private static func hexText(_ bytes: [UInt8]) -> String {
        let parts = bytes.map { Int($0) }
        return String(parts[0] << 8 | parts[1], radix: 16) + ":" + String(parts[2] << 8 | parts[3], radix: 16)
    }
}
