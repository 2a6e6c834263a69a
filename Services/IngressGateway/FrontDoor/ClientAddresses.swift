import Primitives
import Wire

/// Says which address a request comes from. Behind a reverse proxy that is one in `X-Forwarded-For`, which everybody can
/// write; so entries are believed only as far as trusted proxies have added them, from the right.
struct ClientAddresses: Sendable {
    private let trusted: [IPNetwork]

    /// `trusted`: the proxies, as `ingress.trusted_proxies` names them.
    init(trusted: [IPNetwork]) {
        self.trusted = trusted
    }

    func isTrusted(_ address: String) -> Bool {
        guard let address = IPAddress(address, ignoringZone: true) else { return false }
        return trusted.contains { $0.contains(address) }
    }

    /// `fields`: the values of `X-Forwarded-For`. The rightmost entry that is not a trusted proxy. Where every entry is one, the leftmost; where an entry is no
    /// address, the proxy that added it.
    func client(forwardedFor fields: [String], from proxy: String) -> String {
        var client = proxy
        for entry in fields.flatMap({ $0.split(separator: ",") }).reversed() {
            let address = Self.address(FieldValue.trimmed(entry))
            guard IPAddress(address, ignoringZone: true) != nil else { return client }
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
