import NIOCore
import Testing

@testable import HTTPFront

@Suite struct ConnectionCapsTests {
    private func client(_ address: String) throws -> ConnectionCaps.ClientKey? {
        ConnectionCaps.ClientKey(try SocketAddress(ipAddress: address, port: 1))
    }

    @Test func `one client fills no more than its share, and what it gives back others get`() throws {
        let caps = ConnectionCaps()
        let (one, other) = (try client("192.0.2.1"), try client("192.0.2.2"))
        let enter = { caps.enter($0, most: 3, mostPerClient: 2) }
        #expect(enter(one) == .admitted(one))
        #expect(enter(one) == .admitted(one))
        let third = enter(one)
        #expect(third == .refused(.tooManyOfAddress))
        #expect(enter(other) == .admitted(other))
        #expect(enter(nil) == .refused(.tooManyConnections))
        #expect(caps.admitted == 3)
        caps.leave(.admitted(one))
        caps.leave(third)
        #expect(enter(one) == .admitted(one))
        #expect(caps.admitted == 3)
    }

    @Test func `whom no cap by address holds may have all`() {
        let caps = ConnectionCaps()
        for _ in 0..<5 { #expect(caps.enter(nil, most: 5, mostPerClient: 1) == .admitted(nil)) }
        #expect(caps.enter(nil, most: 5, mostPerClient: 1) == .refused(.tooManyConnections))
    }

    @Test func `only so many are told why`() {
        let caps = ConnectionCaps()
        for _ in 0..<ConnectionCaps.mostRefused {
            #expect(caps.enter(nil, most: 0, mostPerClient: 0) == .refused(.tooManyConnections))
        }
        let dropped = caps.enter(nil, most: 0, mostPerClient: 0)
        #expect(dropped == .dropped)
        caps.leave(dropped)
        #expect(caps.enter(nil, most: 0, mostPerClient: 0) == .dropped)
        caps.leave(.refused(.tooManyConnections))
        #expect(caps.enter(nil, most: 0, mostPerClient: 0) == .refused(.tooManyConnections))
    }

    @Test func `a client is an IPv4 address, mapped or not, or an IPv6 network of 64 bits`() throws {
        #expect(try client("2001:db8:1:2::1") == client("2001:db8:1:2:ffff::9"))
        #expect(try client("2001:db8:1:2::1") != client("2001:db8:1:3::1"))
        #expect(try client("::ffff:192.0.2.1") == client("192.0.2.1"))
        #expect(try client("192.0.2.1") != client("192.0.2.2"))
        #expect(try client("::1") != client("0.0.0.0"))
        #expect(try ConnectionCaps.ClientKey(SocketAddress(unixDomainSocketPath: "/x")) == nil)
    }

    @Test func `of the descriptors enough are kept for everything else`() {
        #expect(DescriptorLimit.connections(within: 1 << 20) == (1 << 20) - 256)
        #expect(DescriptorLimit.connections(within: 1024) == 768)
        #expect(DescriptorLimit.connections(within: 100) == 50)
    }
}
