package import NIOCore
import Synchronization

/// Counts the open connections of a listener, in all and for each client address, and says who may come in. An address
/// is an IPv4 address or the first 64 bits of an IPv6 address, which one client has to itself.
package final class ConnectionCaps: Sendable {
    /// How many connections beyond the caps are answered at once; further ones are closed without a word, so that those
    /// who are refused cost no more than that.
    package static let mostRefused = 64

    /// What becomes of a connection. Whoever got one gives it back by `leave`.
    package enum Admission: Sendable, Equatable {
        case admitted(ClientKey?)
        /// It gets an answer and is closed.
        case refused(HeadRefusal)
        /// It is closed at once.
        case dropped
    }

    /// The other end of a connection.
    package struct ClientKey: Hashable, Sendable {
        let isVersion6: Bool
        let bits: UInt64

        /// Nil for what has no IP address.
        package init?(_ address: SocketAddress?) {
            guard let address, [.inet, .inet6].contains(address.protocol) else { return nil }
            let isInet6 = address.protocol == .inet6
            let words = address.withSockAddr { pointer, size in
                // The address lies behind family, port and, in `sockaddr_in6`, flow label (RFC 3493).
                let bytes = UnsafeRawBufferPointer(start: pointer, count: size)
                guard isInet6 else {
                    return (UInt64(0), UInt64(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
                }
                return (
                    bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                    bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                )
            }
            // ::ffff:a.b.c.d is the IPv4 address of a client of a listener for both.
            let isMapped = words.0 == 0 && UInt32(truncatingIfNeeded: words.1.littleEndian) == 0xFFFF_0000
            isVersion6 = isInet6 && !isMapped
            bits = isVersion6 ? words.0 : isMapped ? words.1.littleEndian >> 32 : words.1
        }
    }

    private struct State {
        var admitted = 0
        var refused = 0
        var byClient: [ClientKey: Int] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Connections that were let in and are open.
    package var admitted: Int { state.withLock(\.admitted) }

    /// `client` is nil for whom no cap by address holds.
    package func enter(_ client: ClientKey?, most: Int, mostPerClient: Int) -> Admission {
        state.withLock { state in
            let own = client.map { state.byClient[$0, default: 0] } ?? 0
            let isFull = state.admitted >= most
            guard isFull || (client != nil && own >= mostPerClient) else {
                state.admitted += 1
                if let client { state.byClient[client] = own + 1 }
                return .admitted(client)
            }
            guard state.refused < Self.mostRefused else { return .dropped }
            state.refused += 1
            return .refused(isFull ? .tooManyConnections : .tooManyOfAddress)
        }
    }

    package func leave(_ admission: Admission) {
        state.withLock { state in
            switch admission {
            case .admitted(let client):
                state.admitted -= 1
                guard let client, let own = state.byClient[client] else { return }
                state.byClient[client] = own > 1 ? own - 1 : nil
            case .refused: state.refused -= 1
            case .dropped: break
            }
        }
    }
}
