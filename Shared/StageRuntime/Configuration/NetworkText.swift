import Glibc

/// Networks in CIDR notation.
enum NetworkText {
    /// Whether the text is an IPv4 or IPv6 address, a slash, and a prefix length that fits it.
    static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let prefix = Int(parts[1])
        else { return false }
        var address = [UInt8](repeating: 0, count: 16)
        let isIPv6 = parts[0].contains(":")
        return inet_pton(isIPv6 ? AF_INET6 : AF_INET, String(parts[0]), &address) == 1 && prefix <= (isIPv6 ? 128 : 32)
    }
}
