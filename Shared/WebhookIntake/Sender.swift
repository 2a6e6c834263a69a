internal import Primitives

/// Who sends, as far as quotas can tell senders apart: a client's network and the source that it sends to. A source's
/// genuine and false senders share its URL, so only the address separates them.
package struct Sender: Hashable, Sendable {
    /// An IPv4 address, or the upper half of an IPv6 address: whoever has one address of a /64 has all of them.
    package let network: UInt64
    /// Names the source: `SourceRoute.key`.
    package let source: UInt32

    package init(network: UInt64, source: UInt32) {
        self.network = network
        self.source = source
    }

    /// `address`: as text; what is no address counts as one client.
    package init(address: String?, source: UInt32) {
        let parsed = address.flatMap { IPAddress($0, ignoringZone: true) }
        self.init(network: parsed.map { $0.isV4 ? $0.low : $0.high } ?? 0, source: source)
    }
}

/// What a webhook on its way to its verdict was admitted as.
package struct QuotaReceipt: Sendable, Equatable {
    package var sender: Sender
    /// Of its body.
    package var bytes: UInt32

    package init(sender: Sender, bytes: UInt32) {
        self.sender = sender
        self.bytes = bytes
    }

    /// Of a webhook that no quota counts: one that comes out of quarantine, or that a connector fetched.
    package static let none = QuotaReceipt(sender: Sender(network: 0, source: 0), bytes: 0)
}
