import Glibc

/// The host of a subscriber's URL.
enum EndpointHost {
    /// Throws what is wrong with a host without brackets, as it was written. A number has one spelling only: every
    /// other one (`2130706433`, `0x7f.1`, `0177.0.0.1`) is read differently by different programs.
    static func check(_ host: Substring, isBracketed: Bool) throws(InvalidURL) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if isBracketed {
            guard inet_pton(AF_INET6, String(host), &bytes) == 1 else {
                throw InvalidURL("what stands in brackets is an IPv6 address, without a zone")
            }
            return
        }
        guard !host.isEmpty else { throw InvalidURL("it names no host") }
        guard host.utf8.count <= 253, host.utf8.allSatisfy(isOfName), !host.hasPrefix("."), !host.contains("..") else {
            throw InvalidURL("its host may hold a-z, 0-9, -, _ and dots between them, 253 characters at most")
        }
        let last = (host.hasSuffix(".") ? host.dropLast() : host).split(separator: ".").last ?? ""
        guard isNumber(last) else { return }
        guard inet_pton(AF_INET, String(host), &bytes) == 1 else {
            throw InvalidURL("an IPv4 address is written as four decimal numbers, as in 192.0.2.1")
        }
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Whether resolvers would take a last label for a number (WHATWG URL, "ends in a number").
    private static func isNumber(_ label: Substring) -> Bool {
        if label.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) { return true }
        return label.lowercased().hasPrefix("0x") && label.dropFirst(2).utf8.allSatisfy { isHexadecimal($0) }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
