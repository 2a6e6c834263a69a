import NIOCore
import NIOPosix
import StageRuntime
import Testing

@testable import FanoutRouter

@Suite struct EgressTests {
    @Test(arguments: [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "192.88.99.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "fe80::1", "fc00::1", "fd12::1", "ff02::1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
        "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "fec0::1", "4000::1",
    ])
    func `an address that is not global is refused`(text: String) throws {
        #expect(!EgressGuard(allow: []).permits(try #require(IPAddress(text))))
    }

    @Test(arguments: [
        "8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "223.255.255.255",
        "::ffff:8.8.8.8", "2606:4700:4700::1111", "2a00:1450::1", "64:ff9b::808:808",
    ])
    func `a global address is allowed`(text: String) throws {
        #expect(EgressGuard(allow: []).permits(try #require(IPAddress(text))))
    }

    @Test func `what the configuration allows is allowed in every spelling, and nothing beside it`() throws {
        let egress = EgressGuard(allow: ["127.0.0.0/8", "::1/128", "10.1.2.0/23"])
        for text in ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.1", "10.1.3.255"] {
            #expect(egress.permits(try #require(IPAddress(text))), "\(text)")
        }
        for text in ["10.1.4.0", "10.1.1.255", "::2", "192.168.0.1"] {
            #expect(!egress.permits(try #require(IPAddress(text))), "\(text)")
        }
    }

    @Test(arguments: ["http://localhost:1/", "http://2130706433:1/", "http://0x7f.1:1/", "http://[::1]:1/"])
    func `a name that leads inwards is refused by its resolved address`(text: String) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let loop = group.next()
        let promise = loop.makePromise(of: String.self)
        let endpoint = try EndpointURL(text)
        loop.execute {
            EgressResolver(EgressGuard(allow: [])).resolve(endpoint, on: loop) { result in
                if case .failure(let failure) = result {
                    promise.succeed(failure.outcome.word)
                } else {
                    promise.succeed("connected")
                }
            }
        }
        #expect(try promise.futureResult.wait() == "address_refused")
    }
}
