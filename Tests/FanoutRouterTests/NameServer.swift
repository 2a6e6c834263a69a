import Egress
import Foundation
import Glibc
import NIOCore
import Synchronization

@testable import EventDelivery

/// A DNS server on a loopback port: A records as the test says, over UDP.
final class NameServer: Sendable {
    let port: UInt16
    private let socket: Int32
    private let asked = Asked()

    /// `answer` gets the name and how often it was asked, from 1; nil: silence.
    init(_ answer: @escaping @Sendable (String, Int) -> [String]?) throws {
        let descriptor = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        socket = descriptor
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw NameNotResolved("no port for a name server") }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [asked] in
            Self.serve(descriptor) { name in answer(name, asked.add(name)) }
            close(descriptor)
        }
    }

    /// How often a name was asked for.
    func count(of name: String) -> Int { asked.count(of: name) }

    func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
    }

    /// Looks names up at this server, by packets; waits `patience` seconds for an answer.
    func lookups(patience: Int = 20) -> NameLookups {
        NameLookups { [port] host in Self.ask(host, port: port, patience: patience) }
    }

    private final class Asked: Sendable {
        private let counts = Mutex<[String: Int]>([:])

        func add(_ name: String) -> Int {
            counts.withLock {
                $0[name, default: 0] += 1
                return $0[name] ?? 0
            }
        }

        func count(of name: String) -> Int { counts.withLock { $0[name] ?? 0 } }
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func serve(_ descriptor: Int32, _ answer: (String) -> [String]?) {
        var packet = [UInt8](repeating: 0, count: 512)
        while true {
            var from = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutablePointer(to: &from) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(descriptor, &packet, packet.count, 0, $0, &length)
                }
            }
            guard count > 12 else { return }
            let (name, end) = Self.name(packet, at: 12)
            guard let addresses = answer(name) else { continue }
            var reply = Array(packet[..<2]) + [0x81, 0x80, 0, 1, 0, UInt8(addresses.count), 0, 0, 0, 0]
            reply += packet[12..<(end + 4)]
            for address in addresses {
                // The name by reference, type A, class IN, no time to live.
                reply += [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4] + Forbidden.bytes(address)
            }
            _ = withUnsafePointer(to: &from) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(descriptor, reply, reply.count, 0, $0, length)
                }
            }
        }
    }

    private static func name(_ packet: [UInt8], at start: Int) -> (String, end: Int) {
        var (labels, index) = ([String](), start)
        while packet[index] > 0 {
            let next = index + 1 + Int(packet[index])
            labels.append(String(decoding: packet[(index + 1)..<next], as: UTF8.self))
            index = next
        }
        return (labels.joined(separator: "."), index + 1)
    }

    private static func ask(_ host: String, port: UInt16, patience: Int) -> NameLookups.Found {
        let descriptor = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var wait = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        var query: [UInt8] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in host.split(separator: ".") { query += [UInt8(label.utf8.count)] + Array(label.utf8) }
        query += [0, 0, 1, 0, 1]
        var address = loopback(port)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, query, query.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var reply = [UInt8](repeating: 0, count: 512)
        let count = recv(descriptor, &reply, reply.count, 0)
        guard count > query.count else { return .failure(NameNotResolved("\(host): no answer")) }
        let records = stride(from: query.count, to: count, by: 16).map { reply[($0 + 12)..<($0 + 16)] }
        let addresses = records.compactMap { record in
            try? SocketAddress(ipAddress: record.map { String($0) }.joined(separator: "."), port: 0)
        }
        return .success(addresses)
    }
}
