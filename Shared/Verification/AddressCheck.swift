import Events
import Primitives
import Wire

/// Holds the client's address against the networks that a source allows.
final class AddressCheck {
    private let slot: Int
    /// Nil where the configured text names no network: nobody comes from there.
    private let networks: [IPNetwork?]

    init(_ addresses: [String], fields: HeadFields) {
        slot = fields.slot(RequestHead.peer)
        networks = addresses.map { IPNetwork($0) }
    }

    /// The first network that the request comes from.
    func check(_ fields: HeadFields) -> ProofFinding {
        guard let peer = fields.value(slot), let address = IPAddress(peer, ignoringZone: true) else {
            return .refused(Refusal(.addressNotAllowed, "the client's address is not known"))
        }
        for place in networks.indices where networks[place]?.contains(address) == true { return .proved(key: place) }
        return .refused(Refusal(.addressNotAllowed, "the client's address is not in the networks that may send"))
    }
}
