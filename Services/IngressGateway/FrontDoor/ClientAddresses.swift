import NIOHTTP1
import Providers

/// Says which address a request comes from. Behind a reverse proxy that is one in `X-Forwarded-For`, which everybody can
/// write; so entries are believed only as far as trusted proxies have added them, from the right.
struct ClientAddresses: Sendable {
    private let trusted: [AddressNetwork]

    /// `trusted`: the proxies, as `ingress.trusted_proxies` names them.
    init(trusted: [AddressNetwork]) {
        self.trusted = trusted
    }

    func isTrusted(_ address: String) -> Bool {
        var address = address
        return address.withUTF8 { bytes in trusted.contains { $0.contains(UnsafeRawBufferPointer(bytes)) } }
    }

    /// The rightmost entry that is not a trusted proxy. Where every entry is one, the leftmost; where an entry is no
    /// address, the proxy that added it.
    func client(of head: HTTPRequestHead, from proxy: String) -> String {
        var client = proxy
        for entry in head.headers[canonicalForm: "x-forwarded-for"].reversed() {
            let address = Self.address(entry)
            guard AddressNetwork(address) != nil, !address.contains("/") else { return client }
            client = address
            if !isTrusted(address) { return client }
        }
        return client
    }

    /// An address as proxies write it: `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
    private static func address(_ entry: Substring) -> String {
        if entry.hasPrefix("[") { return String(entry.dropFirst().prefix { $0 != "]" }) }
        let colons = entry.utf8.count { $0 == UInt8(ascii: ":") }
        return String(colons == 1 ? entry.prefix { $0 != ":" } : entry)
    }
}
